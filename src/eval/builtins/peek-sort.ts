// Stable merge sort that uses what order there is already ("peeksort": Munro and Wild, "Nearly-Optimal Mergesorts", 2018). C++ Nix
// sorts with it, and which pairs a comparator is asked about, in which order, decides what a comparator that is no order gives and
// which of several failing comparisons fails first. So the steps here are those of libutil/sort.hh: runs of up to 16 by insertion,
// larger ones split in the middle, with the run across the middle found first.

const INSERTION_LIMIT = 16;

type Less<T> = (a: T, b: T) => boolean;

class PeekSorter<T> {
  readonly items: T[];
  readonly less: Less<T>;
  readonly buffer: T[];
  constructor(items: T[], less: Less<T>) {
    this.items = items;
    this.less = less;
    this.buffer = new Array(items.length);
  }

  /** Sorts [begin, end), of which [begin, leftEnd) and [rightBegin, end) are known to be runs. */
  sort(begin: number, end: number, leftEnd: number, rightBegin: number): void {
    if (leftEnd === end || rightBegin === begin) return;
    if (end - begin <= INSERTION_LIMIT) return this.insertionSort(begin, end);
    const middle = begin + ((end - begin) >> 1);
    if (middle <= leftEnd) {
      this.sort(leftEnd, end, leftEnd + 1, rightBegin);
      return this.merge(begin, leftEnd, end);
    }
    if (middle >= rightBegin) {
      this.sort(begin, rightBegin, leftEnd, rightBegin - 1);
      return this.merge(begin, rightBegin, end);
    }
    const { items, less } = this;
    // The run that holds middle - 1 and middle, whichever way it goes.
    const descends = less(items[middle]!, items[middle - 1]!);
    let runBegin = middle - 1;
    while (runBegin > leftEnd && less(items[runBegin]!, items[runBegin - 1]!) === descends) runBegin--;
    let runEnd = middle - 1;
    while (runEnd + 1 < rightBegin && less(items[runEnd + 1]!, items[runEnd]!) === descends) runEnd++;
    runEnd++;
    if (descends) this.reverse(runBegin, runEnd);
    if (runBegin === begin && runEnd === end) return;
    if (middle - runBegin < runEnd - middle) {
      this.sort(begin, runBegin, leftEnd, runBegin - 1);
      this.sort(runBegin, end, runEnd, rightBegin);
      this.merge(begin, runBegin, end);
    } else {
      this.sort(begin, runEnd, leftEnd, runBegin);
      this.sort(runEnd, end, runEnd + 1, rightBegin);
      this.merge(begin, runEnd, end);
    }
  }

  reverse(begin: number, end: number): void {
    const { items } = this;
    for (let i = begin, j = end - 1; i < j; i++, j--) [items[i], items[j]] = [items[j]!, items[i]!];
  }

  insertionSort(begin: number, end: number): void {
    const { items, less } = this;
    for (let next = begin + 1; next < end; next++) {
      const item = items[next]!;
      let place = next;
      while (place > begin && less(item, items[place - 1]!)) {
        items[place] = items[place - 1]!;
        place--;
      }
      items[place] = item;
    }
  }

  merge(begin: number, middle: number, end: number): void {
    const { items, less, buffer } = this;
    for (let i = begin; i < end; i++) buffer[i] = items[i]!;
    let left = begin;
    let right = middle;
    let out = begin;
    // The left one goes first unless the right one is less: that keeps equal ones in order.
    while (left < middle && right < end) items[out++] = less(buffer[right]!, buffer[left]!) ? buffer[right++]! : buffer[left++]!;
    while (left < middle) items[out++] = buffer[left++]!;
    while (right < end) items[out++] = buffer[right++]!;
  }
}

/** Sorts in place. Any `less` gives some order of the same items; a strict weak order gives the sorted one, stable. */
export function peekSort<T>(items: T[], less: Less<T>): void {
  const { length } = items;
  if (length < 2) return;
  if (length === 2) {
    if (less(items[1]!, items[0]!)) items.reverse();
    return;
  }
  new PeekSorter(items, less).sort(0, length, 0, length);
}
