// A red-black tree that only grows, for `genericClosure`'s keys. C++ Nix holds them in a std::map; with keys that cannot all be
// compared, which two meet first (and so what the error says) follows from the shape of that tree, so ours grows alike.

class Node<K, V> {
  readonly key: K;
  readonly value: V;
  isRed = true;
  parent: Node<K, V> | null;
  left: Node<K, V> | null = null;
  right: Node<K, V> | null = null;
  constructor(key: K, value: V, parent: Node<K, V> | null) {
    this.key = key;
    this.value = value;
    this.parent = parent;
  }
}

/** Keys in the order of `less`, each with a value. */
export class KeyTree<K, V> {
  private readonly less: (a: K, b: K) => boolean;
  private root: Node<K, V> | null = null;
  constructor(less: (a: K, b: K) => boolean) {
    this.less = less;
  }

  /** False, and nothing changes, where an equal key (neither less than the other) is there already. */
  insert(key: K, value: V): boolean {
    const { less } = this;
    let parent: Node<K, V> | null = null;
    let goesLeft = true;
    // The last key that the new one is not less than: the only one it may be equal to.
    let below: Node<K, V> | null = null;
    for (let node = this.root; node !== null; node = goesLeft ? node.left : node.right) {
      parent = node;
      goesLeft = less(key, node.key);
      if (!goesLeft) below = node;
    }
    if (below !== null && !less(below.key, key)) return false;
    const node = new Node(key, value, parent);
    if (parent === null) this.root = node;
    else if (goesLeft) parent.left = node;
    else parent.right = node;
    this.balance(node);
    return true;
  }

  private rotate(node: Node<K, V>, toLeft: boolean): void {
    const child = (toLeft ? node.right : node.left)!;
    const inner = toLeft ? child.left : child.right;
    if (toLeft) node.right = inner;
    else node.left = inner;
    if (inner !== null) inner.parent = node;
    const { parent } = node;
    child.parent = parent;
    if (parent === null) this.root = child;
    else if (parent.left === node) parent.left = child;
    else parent.right = child;
    if (toLeft) child.left = node;
    else child.right = node;
    node.parent = child;
  }

  /** Restores the colours after a red node was added. */
  private balance(added: Node<K, V>): void {
    let node = added;
    while (node.parent !== null && node.parent.isRed) {
      const parent = node.parent;
      const grandparent = parent.parent!;
      const isLeft = grandparent.left === parent;
      const uncle = isLeft ? grandparent.right : grandparent.left;
      if (uncle !== null && uncle.isRed) {
        parent.isRed = false;
        uncle.isRed = false;
        grandparent.isRed = true;
        node = grandparent;
        continue;
      }
      let top = parent;
      if (node === (isLeft ? parent.right : parent.left)) {
        this.rotate(parent, isLeft);
        top = node;
        node = parent;
      }
      top.isRed = false;
      grandparent.isRed = true;
      this.rotate(grandparent, !isLeft);
    }
    this.root!.isRed = false;
  }

  /** All entries, keys ascending. */
  *entries(from: Node<K, V> | null = this.root): Generator<readonly [K, V]> {
    if (from === null) return;
    yield* this.entries(from.left);
    yield [from.key, from.value];
    yield* this.entries(from.right);
  }
}
