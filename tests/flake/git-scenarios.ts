// Git repositories in every state that a flake may find them in, as shell scripts, and the flake references that are then looked at.
// Nothing in the trees depends on where they lie, dates and names are fixed: hashes repeat. What C++ Nix 2.34.8 says of each reference
// is kept in git-scenarios.json, written by `UPDATE=1` with FLOE_ORACLE set.

export interface GitScenario {
  readonly name: string;
  /** Run in an empty folder; `repo` and `commit` are helpers (see PRELUDE). */
  readonly setup: string;
  /** Words for `nix flake`, each tried in turn. ROOT is the folder. */
  readonly runs: readonly string[];
}

/** Helpers of the scripts: `repo DIR` makes a repository with a flake, `commit MESSAGE` commits all. */
export const PRELUDE = `
set -eu
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'
git() { command git -c init.defaultBranch=main -c protocol.file.allow=always -c advice.detachedHead=false -c core.autocrlf=false "$@"; }
commit() { git add -A; git commit -q -m "$1"; }
repo() {
  mkdir -p "$1"; cd "$1"; git init -q .
  echo '{ outputs = _: { }; }' > flake.nix; mkdir -p dir/sub; echo one > dir/file; echo two > dir/sub/file; printf '#!/bin/sh\\n' > run; chmod +x run; ln -s dir/file link
  commit first
}
`;

const META = 'metadata --json --no-write-lock-file';

export const GIT_SCENARIOS: readonly GitScenario[] = [
  {
    name: 'clean',
    setup: 'repo r',
    runs: [`${META} ROOT/r`, `${META} git+file://ROOT/r`, `${META} git+file://ROOT/r?shallow=1`, `${META} path:ROOT/r/dir`],
  },
  { name: 'changed file', setup: 'repo r; echo more >> dir/file', runs: [`${META} ROOT/r`] },
  { name: 'file of the same size changed in the same second', setup: 'repo r; echo eno > dir/file', runs: [`${META} ROOT/r`] },
  { name: 'touched file', setup: "repo r; touch -d '2030-01-01' dir/file", runs: [`${META} ROOT/r`] },
  { name: 'staged file', setup: 'repo r; echo x > new; git add new', runs: [`${META} ROOT/r`] },
  { name: 'staged file changed again', setup: 'repo r; echo x > new; git add new; echo y > new', runs: [`${META} ROOT/r`] },
  {
    name: 'staged change taken back in the working tree',
    setup: 'repo r; echo x > dir/file; git add dir/file; echo one > dir/file',
    runs: [`${META} ROOT/r`],
  },
  { name: 'file with intent to add', setup: 'repo r; echo x > new; git add -N new', runs: [`${META} ROOT/r`] },
  { name: 'empty file with intent to add', setup: 'repo r; : > new; git add -N new', runs: [`${META} ROOT/r`] },
  { name: 'untracked file', setup: 'repo r; echo x > new; mkdir empty; echo y > dir/new', runs: [`${META} ROOT/r`] },
  { name: 'ignored file', setup: 'repo r; echo out > .gitignore; commit ignore; echo x > out', runs: [`${META} ROOT/r`] },
  { name: 'deleted file', setup: 'repo r; rm dir/sub/file', runs: [`${META} ROOT/r`] },
  { name: 'deleted file, staged', setup: 'repo r; git rm -q dir/sub/file', runs: [`${META} ROOT/r`] },
  { name: 'file taken out of the index only', setup: 'repo r; git rm -q --cached dir/sub/file', runs: [`${META} ROOT/r`] },
  { name: 'renamed file', setup: 'repo r; git mv dir/file dir/other', runs: [`${META} ROOT/r`] },
  { name: 'permission changed', setup: 'repo r; chmod +x dir/file', runs: [`${META} ROOT/r`] },
  {
    name: 'permission changed where that does not count',
    setup: 'repo r; git config core.fileMode false; chmod +x dir/file',
    runs: [`${META} ROOT/r`],
  },
  { name: 'file became a link', setup: 'repo r; rm dir/file; ln -s sub/file dir/file', runs: [`${META} ROOT/r`] },
  { name: 'link became a file', setup: 'repo r; rm link; echo x > link', runs: [`${META} ROOT/r`] },
  { name: 'folder became a file', setup: 'repo r; rm -r dir/sub; echo x > dir/sub', runs: [`${META} ROOT/r`] },
  { name: 'file became a folder', setup: 'repo r; rm dir/file; mkdir dir/file; echo x > dir/file/x', runs: [`${META} ROOT/r`] },
  {
    name: 'merge conflict',
    setup:
      'repo r; git checkout -q -b other; echo a > dir/file; commit a; git checkout -q main; echo b > dir/file; commit b; git merge -q other || true',
    runs: [`${META} ROOT/r`],
  },
  {
    name: 'no commit yet',
    setup: 'mkdir r; cd r; git init -q .; echo "{ outputs = _: { }; }" > flake.nix; git add flake.nix',
    runs: [`${META} ROOT/r`],
  },
  {
    name: 'nothing staged, no commit',
    setup: 'mkdir r; cd r; git init -q .; echo "{ outputs = _: { }; }" > flake.nix',
    runs: [`${META} ROOT/r`],
  },
  {
    name: 'flake.nix not tracked',
    setup: 'mkdir r; cd r; git init -q .; echo x > x; commit x; echo "{ outputs = _: { }; }" > flake.nix',
    runs: [`${META} ROOT/r`],
  },
  { name: 'detached HEAD', setup: 'repo r; echo x > x; commit second; git checkout -q HEAD~1', runs: [`${META} ROOT/r`] },
  {
    name: 'other branches and tags',
    setup:
      'repo r; git checkout -q -b other; echo x > x; commit second; git tag light; git tag -a -m note heavy; git checkout -q main; echo y > y; commit third; git pack-refs --all',
    runs: ['other', 'light', 'heavy', 'refs/heads/other', 'refs/tags/heavy', 'HEAD', 'main', 'nothing'].map(
      (ref) => `${META} git+file://ROOT/r?ref=${ref}`,
    ),
  },
  {
    name: 'revisions',
    setup: 'repo r; echo x > x; commit second',
    runs: [
      `${META} git+file://ROOT/r?rev=REV1`,
      `${META} git+file://ROOT/r?ref=main&rev=REV1`,
      `${META} git+file://ROOT/r?rev=0123456789012345678901234567890123456789`,
      `${META} git+file://ROOT/r?rev=REV1&shallow=1`,
    ],
  },
  {
    name: 'history with merges',
    setup:
      'repo r; for i in 1 2 3; do git checkout -q -b b$i; echo $i > b$i; commit b$i; git checkout -q main; echo $i > m$i; commit m$i; git merge -q -m merge b$i; done',
    runs: [`${META} ROOT/r`],
  },
  {
    name: 'packed, with deltas',
    setup: 'repo r; for i in 1 2 3 4 5 6 7 8; do seq 1 2000 > big; echo $i >> big; commit big$i; done; git gc -q --aggressive; git prune',
    runs: [`${META} ROOT/r`, `${META} git+file://ROOT/r?rev=REV1`, `${META} git+file://ROOT/r?ref=main`],
  },
  {
    name: 'objects of another repository',
    setup: 'repo r; cd ..; git clone -q --shared r s; cd s; echo x > x; commit second',
    runs: [`${META} ROOT/s`, `${META} git+file://ROOT/s?ref=main`],
  },
  {
    name: 'worktree',
    setup: 'repo r; git worktree add -q ../w -b side; cd ../w; echo x > x; commit side',
    runs: [`${META} ROOT/w`, `${META} ROOT/r`, `${META} git+file://ROOT/w?ref=side`],
  },
  {
    name: 'shallow clone',
    setup: 'repo r; echo x > x; commit second; cd ..; git clone -q --depth 1 file://$PWD/r s',
    runs: [
      `${META} ROOT/s`,
      `${META} git+file://ROOT/s`,
      `${META} git+file://ROOT/s?ref=main`,
      `${META} git+file://ROOT/s?ref=main&shallow=1`,
    ],
  },
  {
    name: 'bare repository',
    setup: 'repo r; cd ..; git clone -q --bare r b.git',
    runs: [`${META} git+file://ROOT/b.git`, `${META} git+file://ROOT/b.git?ref=main`, `${META} git+file://ROOT/b.git?ref=nothing`],
  },
  {
    name: 'flake in a folder',
    setup: 'repo r; mkdir -p in/deep; cp flake.nix in/deep; commit deep',
    runs: [
      `${META} ROOT/r/in/deep`,
      `${META} ROOT/r?dir=in/deep`,
      `${META} git+file://ROOT/r?dir=in/deep`,
      `${META} ROOT/r/in`,
      `${META} ROOT/r/in/deep?dir=x`,
    ],
  },
  {
    name: 'folder in a repository without a flake',
    setup: 'repo r; git rm -q flake.nix; commit none',
    runs: [`${META} ROOT/r/dir`, `${META} ROOT/r`],
  },
  {
    name: 'submodules',
    setup: 'repo s; cd ..; repo r; git submodule --quiet add ../s mods/s; commit sub',
    runs: [`${META} ROOT/r`, `${META} git+file://ROOT/r?submodules=1`],
  },
  {
    name: 'submodules of a commit',
    setup: 'repo s; cd ..; repo r; git submodule --quiet add ../s mods/s; commit sub',
    runs: [`${META} git+file://ROOT/r?ref=main`, `${META} git+file://ROOT/r?ref=main&submodules=1`],
  },
  {
    name: 'changed submodule',
    setup: 'repo s; cd ..; repo r; git submodule --quiet add ../s mods/s; commit sub; echo x >> mods/s/dir/file',
    runs: [`${META} ROOT/r`, `${META} git+file://ROOT/r?submodules=1`],
  },
  {
    name: 'a flake that wants its submodules',
    setup:
      'repo s; cd ..; repo r; git submodule --quiet add ../s mods/s; echo "{ inputs.self.submodules = true; outputs = _: { }; }" > flake.nix; commit sub',
    runs: [`${META} ROOT/r`],
  },
  {
    name: 'index of version 4',
    setup: 'repo r; git update-index --index-version 4; echo x > dir/aaa; echo y > dir/aab; git add dir',
    runs: [`${META} ROOT/r`],
  },
  {
    name: 'line endings',
    setup:
      'repo r; echo "*.txt text eol=crlf" > .gitattributes; printf "a\\nb\\n" > t.txt; commit t; rm t.txt; git checkout -q t.txt; touch -d 2030-01-01 t.txt',
    runs: [`${META} ROOT/r`],
  },
  {
    name: 'line endings in a commit',
    setup: 'repo r; echo "*.txt text eol=crlf" > .gitattributes; printf "a\\nb\\n" > t.txt; commit t',
    runs: [`${META} git+file://ROOT/r?ref=main`],
  },
  {
    name: 'line endings changed for good',
    setup:
      'repo r; printf "a\\nb\\n" > t.txt; commit t; echo "*.txt text eol=crlf" > .gitattributes; commit attributes; printf "a\\nc\\n" > t.txt',
    runs: [`${META} ROOT/r`],
  },
  {
    name: 'export-ignore',
    setup:
      'repo r; printf "/dir/sub export-ignore\\n*.no export-ignore\\nyes.no -export-ignore\\n" > .gitattributes; echo x > a.no; echo x > yes.no; echo "file export-ignore" > dir/.gitattributes; commit t',
    runs: [`${META} git+file://ROOT/r?exportIgnore=1`, `${META} git+file://ROOT/r?ref=main&exportIgnore=1`],
  },
  {
    name: 'a new lock file',
    setup:
      'repo r; echo "{ inputs.d.url = \\"./dir\\"; outputs = _: { }; }" > flake.nix; cp flake.nix dir/flake.nix; echo "{ outputs = _: { }; }" > dir/flake.nix; commit inputs',
    runs: [
      'lock ROOT/r',
      '!git status --short',
      `${META} ROOT/r`,
      '!git -c user.name=a -c user.email=a@b commit -q -am lock',
      `${META} ROOT/r`,
      'lock ROOT/r',
    ],
  },
  {
    name: 'a committed lock file',
    setup:
      'repo r; git config user.name a; git config user.email a@b; echo "{ inputs.d.url = \\"./dir\\"; outputs = _: { }; }" > flake.nix; echo "{ outputs = _: { }; }" > dir/flake.nix; commit inputs',
    runs: ['lock ROOT/r --commit-lock-file', '!git log --format=%B', '!git status --short', 'lock ROOT/r --commit-lock-file'],
  },
  {
    name: 'a lock file that git ignores',
    setup:
      'repo r; echo flake.lock > .gitignore; echo "{ inputs.d.url = \\"./dir\\"; outputs = _: { }; }" > flake.nix; echo "{ outputs = _: { }; }" > dir/flake.nix; commit inputs',
    runs: ['lock ROOT/r', '!git status --short', `${META} ROOT/r`],
  },
  {
    name: 'a relative input that git does not track',
    setup:
      'repo r; echo "{ inputs.d.url = \\"./new\\"; outputs = _: { }; }" > flake.nix; commit inputs; mkdir new; echo "{ outputs = _: { }; }" > new/flake.nix',
    runs: [`${META} ROOT/r`],
  },
  {
    name: 'a relative input that is not there',
    setup: 'repo r; echo "{ inputs.d.url = \\"./new\\"; outputs = _: { }; }" > flake.nix; commit inputs',
    runs: [`${META} ROOT/r`],
  },
  {
    name: 'no repository at all',
    setup: 'mkdir r; echo x > r/x',
    runs: [`${META} git+file://ROOT/nothing`, `${META} git+file://ROOT/r`, `${META} ROOT/r`],
  },
  {
    name: 'names that are not plain',
    setup: 'repo "r x"; mkdir "ä ö"; echo x > "ä ö/ü"; commit names',
    runs: [`${META} "ROOT/r x"`, `${META} git+file://ROOT/r%20x?ref=main`],
  },
];
