import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, printHex } from '../base/bytes.ts';
import type { HashAlgorithm } from '../base/sha.ts';
import { startTreeDigest } from './git-hash.ts';
import { NarWriter } from './nar.ts';

function gitHash(algorithm: HashAlgorithm, write: (writer: NarWriter) => void): string {
  const digest = startTreeDigest('git', algorithm);
  const writer = new NarWriter((chunk) => digest.update(chunk));
  write(writer);
  writer.finish();
  return printHex(digest.digest());
}

const file = (writer: NarWriter, name: string, text: string, executable = false): void => {
  writer.beginEntry(name);
  writer.regular(executable, bytesOf(text));
  writer.endEntry();
};

// What git itself gives for the same trees (Nix's git-hashing/simple-sha1.sh).
test('blobs and trees have the hashes that git gives them', () => {
  assert.equal(
    gitHash('sha1', (writer) => writer.regular(false, bytesOf('Hello World\n'))),
    '557db03de997c86a4a028e1ebd3a1ceb225be238',
  );
  assert.equal(
    gitHash('sha256', (writer) => writer.regular(false, bytesOf('Hello World\n'))),
    '7c5c8610459154bdde4984be72c48fb5d9c1c4ac793a6b5976fe38fd1b0b1284',
  );
  const folder = (writer: NarWriter) => {
    writer.beginDirectory();
    file(writer, 'executable', 'Run Hello World\n', true);
    file(writer, 'hello', 'Hello World\n');
    writer.endDirectory();
  };
  assert.equal(gitHash('sha1', folder), 'e5c0a11a556801a5c9dcf330ca9d7e2c572697f4');
  const below = (writer: NarWriter) => {
    writer.beginDirectory();
    writer.beginEntry('dir');
    writer.beginDirectory();
    file(writer, 'file', '');
    writer.beginEntry('symlink');
    writer.symlink('./hello/world.txt');
    writer.endEntry();
    writer.endDirectory();
    writer.endEntry();
    writer.endDirectory();
  };
  assert.equal(gitHash('sha1', below), '06f3e789820fc488d602358f03e3a1cbf993bf33');
});
