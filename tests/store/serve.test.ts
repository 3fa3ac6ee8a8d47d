// Stores over ssh: floe on both ends, floe with C++ Nix on the other (where FLOE_ORACLE names one), and other ends that misbehave. The
// host "localhost" needs no ssh; for others a script stands in for it.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { splitOptions } from '../../src/engine/ssh-connections.ts';
import { temporaryFolder } from '../support/local-stores.ts';
import { runFloe } from '../support/run-floe.ts';

const oracle = process.env['FLOE_ORACLE'];
const folder = temporaryFolder();
const root = fileURLToPath(new URL('../..', import.meta.url));

/** A store below `folder`, with paths that print as /nix/store. */
const storeAt = (name: string): string => join(folder, name);

function makeProgram(path: string, text: string): string {
  writeFileSync(path, `#! /bin/sh\n${text}\n`, { mode: 0o755 });
  return path;
}

describe('stores over ssh', () => {
  const bin = join(folder, 'bin');
  const env = {
    PATH: `${bin}:${process.env['PATH']}`,
    HOME: join(folder, 'home'),
    FLOE_DEV: '1',
    NIX_CONF_DIR: join(folder, 'etc'),
    NIX_CONFIG: 'substituters =',
  };
  let [input, tool] = ['', ''];

  async function floe(...words: string[]): Promise<{ out: string; err: string; code: number }> {
    const { stdout, stderr, code } = await runFloe(words, { cwd: folder, env });
    return { out: stdout.trim(), err: stderr, code };
  }

  before(async () => {
    for (const name of ['bin', 'home', 'etc', 'files']) mkdirSync(join(folder, name));
    for (const name of ['nix-store', 'nix-daemon']) symlinkSync(join(root, 'bin/floe'), join(bin, name));
    writeFileSync(join(folder, 'files/input'), 'input');
    ({ out: input } = await floe('nix-store', '--store', storeAt('a'), '--add', 'files/input'));
    const text = `derivation { name = "tool"; system = "x86_64-linux"; builder = "\${builtins.storePath ${input}}"; }`;
    ({ out: tool } = await floe('nix-instantiate', '--store', storeAt('a'), '--no-gc-warning', '-E', text));
  });

  const served = (name: string, more = ''): string => `ssh://localhost?remote-store=${encodeURIComponent(storeAt(name))}${more}`;
  const has = (name: string, path: string): boolean => existsSync(storeAt(name) + path);

  async function there(name: string, path: string): Promise<string> {
    return (await floe('nix', 'path-info', '--store', storeAt(name), '--json', '--json-format', '1', path)).out.replace(
      /"registrationTime":\d+/,
      '',
    );
  }

  test('a closure goes there and comes back, with all that is known of it', async () => {
    const sent = await floe('nix', 'copy', '--store', storeAt('a'), '--to', served('b'), tool, '--derivation');
    assert.equal(sent.code, 0, sent.err);
    assert.ok(has('b', tool) && has('b', input));
    assert.equal(await there('b', tool), await there('a', tool));
    const again = await floe('nix', 'copy', '--store', storeAt('a'), '--to', served('b'), tool, '--derivation');
    assert.deepEqual([again.code, again.err], [0, '']);
    const back = await floe('nix', 'copy', '--store', storeAt('c'), '--no-check-sigs', '--from', served('b'), input);
    assert.equal(back.code, 0, back.err);
    assert.equal(readFileSync(storeAt('c') + input, 'utf8'), 'input');
  });

  test('the same over ssh-ng, which also tells of the store and all its paths', async () => {
    const daemon = served('g').replace('ssh:', 'ssh-ng:');
    const sent = await floe('nix', 'copy', '--store', storeAt('a'), '--to', daemon, tool, '--derivation');
    assert.equal(sent.code, 0, sent.err);
    assert.equal(await there('g', tool), await there('a', tool));
    const { out } = await floe('nix', 'path-info', '--store', daemon, '--all');
    assert.deepEqual(out.split('\n'), [tool, input].sort());
    assert.match((await floe('nix', 'store', 'info', '--store', daemon)).err, /Version: 2.*\nTrusted: 1/);
    const back = await floe('nix', 'copy', '--store', storeAt('h'), '--no-check-sigs', '--from', daemon, tool, '--derivation');
    assert.equal(back.code, 0, back.err);
    assert.equal(await there('h', tool), await there('a', tool));
  });

  test('nix-copy-closure, over a program in the place of ssh', async () => {
    const log = join(folder, 'ssh-words');
    makeProgram(
      join(bin, 'ssh'),
      `[ "$1" = -O ] && exit 255\necho "$*" >> ${log}\necho started\nwhile [ "$1" != -- ]; do shift; done; shift\nexec "$@" --store ${storeAt('e')}`,
    );
    const words = ['nix-copy-closure', '--store', storeAt('a')];
    const dry = await floe(...words, '--dry-run', '--to', 'alice@machine:2222', tool);
    assert.deepEqual([dry.code, dry.err.split('\n').length], [0, 3]);
    const sent = await floe(...words, '--gzip', '--to', 'alice@machine:2222', tool);
    assert.equal(sent.code, 0, sent.err);
    assert.ok(has('e', tool) && has('e', input));
    assert.match(
      readFileSync(log, 'utf8'),
      /^alice@machine -x -p2222 .*\nalice@machine -x -C -p2222 -oPermitLocalCommand=yes -oLocalCommand=echo started -- nix-store --serve --write\n/,
    );
    const back = await floe('nix-copy-closure', '--store', storeAt('f'), '--from', 'machine', tool);
    assert.equal(back.code, 0, back.err);
    assert.ok(has('f', input));
  });

  test('other ends that misbehave are named', async () => {
    const say = async (program: string): Promise<string> =>
      (await floe('nix', 'copy', '--store', storeAt('a'), '--to', served('x', `&remote-program=${program}`), input)).err;
    assert.match(await say(makeProgram(join(folder, 'silent'), 'exit 0')), /cannot connect to 'localhost'/);
    assert.match(
      await say(makeProgram(join(folder, 'talks'), 'echo "Welcome to this machine"')),
      /protocol mismatch from 'localhost', got 'Welcome '/,
    );
    assert.match(await say('/nowhere/nix-store'), /unable to execute '\/nowhere\/nix-store': it is not installed/);
    const lost = makeProgram(join(folder, 'lost'), `printf '\\313\\356\\122\\124\\0\\0\\0\\0\\7\\2\\0\\0\\0\\0\\0\\0'`);
    assert.match(await say(lost), /the connection to 'localhost' was lost/);
    assert.match((await floe('nix-copy-closure', '--to', '-oProxyCommand=x', input)).err, /unrecognised flag|must not start with '-'/);
    assert.match((await floe('nix-copy-closure')).err, /no host name specified/);
    assert.match((await floe('nix-store', '--store', storeAt('a'), '--serve', 'x')).err, /no arguments expected/);
  });

  test('options in NIX_SSHOPTS are split as a shell does', () => {
    assert.deepEqual(splitOptions(`-i "a b" -o'X=1 2' c\\ d ''`), ['-i', 'a b', '-oX=1 2', 'c d', '']);
    assert.throws(() => splitOptions('"a'), /unterminated quote/);
  });

  describe('with C++ Nix on the other end', { skip: oracle === undefined ? 'FLOE_ORACLE names no Nix' : false }, () => {
    test('floe asks, Nix answers', async () => {
      const program = makeProgram(
        join(folder, 'nix-serve'),
        `PATH=\${PATH#*:} NIX_STORE_DIR=/nix/store NIX_STATE_DIR=${join(folder, 'state')} exec ${oracle} nix-store "$@"`,
      );
      const url = served('g', `&remote-program=${program}`);
      const sent = await floe('nix', 'copy', '--store', storeAt('a'), '--to', url, tool, '--derivation');
      assert.equal(sent.code, 0, sent.err);
      assert.equal(await there('g', tool), await there('a', tool));
      const back = await floe('nix', 'copy', '--store', storeAt('h'), '--no-check-sigs', '--from', url, tool, '--derivation');
      assert.equal(back.code, 0, back.err);
      assert.ok(has('h', input));
    });

    /** The other Nix may see another /usr than floe needs: its program only passes on what floe, started outside, says. */
    async function nixWithServer(
      name: string,
      places: Readonly<Record<string, string>>,
      makeWords: (url: string) => readonly string[],
    ): Promise<void> {
      const [asked, answered] = [join(folder, `${name}-asked`), join(folder, `${name}-answered`)];
      assert.equal(spawnSync('mkfifo', [asked, answered]).status, 0);
      const program = makeProgram(join(folder, `${name}-passes-on`), `cat ${answered} &\ncat > ${asked}\nwait`);
      const serve = `exec ${join(bin, 'nix-store')} --serve --write < ${asked} > ${answered}`;
      const server = spawn('sh', ['-c', serve], {
        env: { ...process.env, ...env, ...places, NIX_CONFIG: 'substituters =\nsandbox = false' },
      });
      const words = makeWords(`ssh://localhost?remote-program=${program}`);
      const run = spawn('sh', ['-c', `exec ${oracle} nix "$@"`, 'sh', ...words], {
        env: { ...process.env, NIX_STORE_DIR: '/nix/store', NIX_STATE_DIR: join(folder, 'state'), NIX_CONFIG: 'substituters =', ...places },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let said = '';
      run.stderr.on('data', (chunk) => (said += String(chunk)));
      const [status] = (await once(run, 'close')) as [number];
      server.kill();
      assert.equal(status, 0, said);
    }

    test('Nix asks, floe answers', async () => {
      await nixWithServer('to', { NIX_REMOTE: storeAt('i') }, (url) => ['copy', '--from', storeAt('a'), '--to', url, '--derivation', tool]);
      assert.equal(await there('i', tool), await there('a', tool));
      await nixWithServer('from', { NIX_REMOTE: storeAt('i') }, (url) => [
        'copy',
        '--from',
        url,
        '--to',
        storeAt('j'),
        '--no-check-sigs',
        '--derivation',
        tool,
      ]);
      assert.ok(has('j', input) && has('j', tool));
    });

    test('Nix sends a derivation, floe builds it', async () => {
      const storeDir = join(folder, 'built');
      const places = { NIX_STORE_DIR: storeDir, NIX_STATE_DIR: join(folder, 'built-state') };
      const text =
        'derivation { name = "remote"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo \\"$word\\" > $out" ]; word = "a\\"b\\n"; }';
      const store = `local?real=${join(folder, 'k')}&state=${join(folder, 'k-state')}&log=${join(folder, 'k-log')}`;
      await nixWithServer('build', places, (url) => [
        ...['build', '--store', store, '--impure', '--expr', text, '--no-link', '--max-jobs', '0'],
        ...['--builders', `${url} x86_64-linux - 1 1`],
      ]);
      const output = readdirSync(join(folder, 'k')).find((name) => name.endsWith('-remote'));
      assert.equal(readFileSync(join(folder, 'k', output!), 'utf8'), 'a"b\n\n');
      assert.ok(existsSync(join(storeDir, output!)));
    });
  });
});
