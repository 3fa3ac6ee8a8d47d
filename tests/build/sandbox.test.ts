// What builders see and may do in each sandbox this machine allows. Where namespaces or a tool are missing, the cases are skipped with
// the reason. Builders here are the machine's own programs, shown to the sandbox through `sandbox-paths`.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { deleteTree } from '../../src/store/local/nar-files.ts';
import { type SandboxPolicy, SandboxChooser } from '../../src/build/sandbox/choose.ts';
import { LinuxSandbox } from '../../src/build/sandbox/linux.ts';
import { findSandboxPrograms } from '../../src/build/sandbox/machine.ts';
import { type BuilderExit, describeExit, type Sandbox, type SandboxRequest } from '../../src/build/sandbox/sandbox.ts';
import { assembleSyscallFilter } from '../../src/build/sandbox/seccomp.ts';
import type { StorePath } from '../../src/model/store-path.ts';

const POLICY: SandboxPolicy = {
  sandbox: 'true',
  sandboxFallback: false,
  requireDropGroups: false,
  bubblewrap: undefined,
  sandboxBuildDir: '/build',
  sandboxShmSize: '50%',
  filterSyscalls: true,
  allowNewPrivileges: false,
  impersonateLinux26: false,
  sslCertFile: undefined,
  childStackLimit: undefined,
};
const WISH = { derivation: '/nix/store/x.drv', noChroot: false, isolated: true, divertedStore: false };
const SEARCH_PATH = process.env['PATH'] ?? '';
/** The machine's programs and libraries. */
const MACHINE = ['/bin', '/lib', '/lib64', '/usr', '/nix'].map((path) => ({ target: path, source: path, optional: true }));

const folder = mkdtempSync(join(tmpdir(), 'floe-sandbox-'));
after(() => deleteTree(folder));

interface Ways {
  readonly name: string;
  readonly sandbox: Sandbox | undefined;
  readonly skip: string | false;
}

function way(name: string, bubblewrap: string | undefined): Ways {
  if (name === 'bubblewrap' && findSandboxPrograms(SEARCH_PATH).bwrap === undefined)
    return { name, sandbox: undefined, skip: 'bubblewrap is not installed' };
  try {
    const sandbox = new SandboxChooser({ ...POLICY, bubblewrap }, SEARCH_PATH, () => {}).choose(WISH);
    return sandbox.kind === name ? { name, sandbox, skip: false } : { name, sandbox, skip: `${name} does not work here` };
  } catch (error) {
    return { name, sandbox: undefined, skip: `no namespaces: ${(error as { hint?: string }).hint}` };
  }
}

/** As util-linux, on a machine that has no perl either. */
function wayWithoutPerl(): Ways {
  const { skip } = way('util-linux', '');
  const programs = { ...findSandboxPrograms(SEARCH_PATH, ''), perl: undefined };
  const isolation = { files: true, processes: true, network: true };
  const tools = { programs, bubblewrap: undefined, utilLinux: () => isolation, isRoot: process.geteuid?.() === 0, dropsGroups: false };
  return { name: 'util-linux without perl', sandbox: new LinuxSandbox(tools, POLICY), skip };
}

const WAYS = [way('bubblewrap', undefined), way('util-linux', ''), wayWithoutPerl()];

interface Outcome {
  readonly exit: BuilderExit;
  readonly log: string;
  readonly hostPath: (path: string) => string;
}

let count = 0;

async function build(
  sandbox: Sandbox,
  script: string,
  options: {
    request?: Partial<SandboxRequest>;
    env?: [string, string][];
    program?: string;
    whileRunning?: (kill: () => void, log: () => string) => Promise<void>;
  } = {},
): Promise<Outcome> {
  const base = join(folder, String(++count));
  for (const name of ['', '/store', '/build']) mkdirSync(base + name, { recursive: true });
  const request: SandboxRequest = {
    system: 'x86_64-linux',
    folder: `${base}/store/x.drv.chroot`,
    storeDir: '/floe/store',
    realStoreDir: `${base}/store`,
    inputs: [],
    extraPaths: MACHINE.filter(({ source }) => existsSync(source)),
    buildDir: `${base}/build`,
    network: false,
    kvm: false,
    ...options.request,
  };
  const prepared = sandbox.prepare(request);
  let log = '';
  const env = new Map([['PATH', '/usr/bin:/bin'], ...(options.env ?? [])] as [string, string][]);
  const running = prepared.start({ program: options.program ?? '/bin/sh', args: ['-c', script], env });
  running.output.setEncoding('latin1').on('data', (text: string) => (log += text));
  const closed = new Promise((resolve) => running.output.on('close', resolve));
  await options.whileRunning?.(running.kill, () => log);
  const exit = await running.exit;
  await closed;
  return { exit, log, hostPath: prepared.hostPath };
}

for (const { name, sandbox, skip } of WAYS) {
  const check = (what: string, body: (sandbox: Sandbox) => Promise<void>) => test(`${name}: ${what}`, { skip }, () => body(sandbox!));

  check('ids, host name, working folder and files of /etc are those of Nix', async (sandbox) => {
    const { log, exit } = await build(
      sandbox,
      'id -u; id -g; uname -n; pwd; umask; ulimit -S -c; cat /etc/passwd /etc/group /etc/hosts; ls /; exit 7',
    );
    assert.deepEqual(exit, { kind: 'exited', code: 7 });
    const machine = MACHINE.filter(({ source }) => existsSync(source)).map(({ target }) => target.slice(1));
    assert.equal(
      log,
      '1000\n100\nlocalhost\n/build\n0022\n0\n' +
        'root:x:0:0:Nix build user:/build:/noshell\nnixbld:x:1000:100:Nix build user:/build:/noshell\nnobody:x:65534:65534:Nobody:/:/noshell\n' +
        'root:x:0:\nnixbld:!:100:\nnogroup:x:65534:\n127.0.0.1 localhost\n::1 localhost\n' +
        [...machine, 'build', 'dev', 'etc', 'floe', 'proc', 'tmp']
          .sort()
          .map((entry) => `${entry}\n`)
          .join(''),
    );
  });

  check('the environment arrives byte for byte', async (sandbox) => {
    const env: [string, string][] = [
      ['plain', 'value'],
      ['odd-name.x', 'quotes \' " $HOME `\\\n'],
      ['bytes', '\xff\xfe'],
      ['empty', ''],
      ['large', 'x'.repeat(100000)],
    ];
    const { log } = await build(sandbox, 'tr "\\0" "\\1" < /proc/$$/environ', { env });
    const seen = new Map(
      log
        .split('\x01')
        .filter(Boolean)
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const),
    );
    for (const [key, value] of env) assert.equal(seen.get(key), value, key);
    assert.deepEqual([...seen.keys()].filter((key) => key !== 'PWD' && key !== 'PATH').sort(), env.map(([key]) => key).sort());
  });

  check('only the inputs are there, and they cannot be changed', async (sandbox) => {
    const base = join(folder, `inputs-${name}`);
    mkdirSync(`${base}/a-folder`, { recursive: true });
    writeFileSync(`${base}/a-folder/file`, 'in folder\n');
    writeFileSync(`${base}/a-file`, 'in file\n');
    symlinkSync('a-folder/file', `${base}/a-link`);
    writeFileSync(`${base}/undeclared`, 'secret\n');
    const inputs = ['a-folder', 'a-file', 'a-link'] as StorePath[];
    const script =
      'cd /floe/store; ls; cat a-folder/file a-file a-link; echo x > a-folder/new; echo x >> a-file; chmod 600 a-file; mkdir out; echo made > out/it';
    const { log, exit, hostPath } = await build(sandbox, script, { request: { inputs, realStoreDir: base } });
    assert.equal(exit.kind, 'exited', log);
    assert.match(log, /^a-file\na-folder\na-link\nin folder\nin file\nin folder\n/);
    assert.equal(log.match(/Read-only file system/g)?.length, 3, log);
    assert.equal(readFileSync(hostPath('/floe/store/out/it'), 'utf8'), 'made\n');
    assert.equal(readFileSync(`${base}/a-file`, 'utf8'), 'in file\n');
  });

  check('the build folder is the one of this machine, and /tmp and /dev/shm are writable', async (sandbox) => {
    const { exit, log } = await build(
      sandbox,
      'echo a > file; echo b > /tmp/b; echo c > /dev/shm/c; cat /tmp/b /dev/shm/c; echo d > /dev/null; head -c1 /dev/zero /dev/urandom > /dev/full',
    );
    assert.equal(exit.kind, 'exited');
    assert.match(log, /^b\nc\n.*No space left/s);
    assert.equal(readFileSync(join(folder, String(count), 'build', 'file'), 'utf8'), 'a\n');
  });

  check('a build has only its own loopback interface', async (sandbox) => {
    const { log } = await build(sandbox, 'cat /proc/net/dev');
    assert.deepEqual(
      [...log.matchAll(/^ *(\w+):/gm)].map((match) => match[1]),
      ['lo'],
    );
  });

  check('a fixed output has the network of the machine', async (sandbox) => {
    const { log } = await build(sandbox, 'cat /proc/net/dev; cat /etc/nsswitch.conf', { request: { network: true } });
    const interfaces = (text: string) =>
      [...text.matchAll(/^ *([\w@.-]+):.*:?/gm)]
        .map((match) => match[1]!)
        .filter((word) => !/hosts|services/.test(word))
        .sort();
    assert.deepEqual(interfaces(log), interfaces(readFileSync('/proc/net/dev', 'utf8')));
    assert.match(log, /hosts: files dns\nservices: files\n/);
  });

  check('no file becomes setuid, and there are no extended attributes', async (sandbox) => {
    if (assembleSyscallFilter(process.arch) === undefined || name === 'util-linux without perl') return;
    if (sandbox.kind === 'util-linux' && findSandboxPrograms(SEARCH_PATH).perl === undefined) return;
    const { log } = await build(
      sandbox,
      'touch f; for m in 4755 2755 755; do chmod $m f && echo done $m; done 2>&1; grep -E "^(Seccomp|NoNewPrivs|CapEff):" /proc/self/status',
    );
    assert.equal(log.match(/Operation not permitted/g)?.length, 2, log);
    assert.match(log, /done 755\n/);
    assert.match(log, /CapEff:\s+0000000000000000\nNoNewPrivs:\s+1\nSeccomp:\s+2\n/);
  });

  check('a program that does not exist', async (sandbox) => {
    const { log, exit } = await build(sandbox, '', { program: '/no/such/builder' });
    assert.match(log, /\/no\/such\/builder'?: No such file or directory/);
    assert.ok(exit.kind === 'not-started' || (exit.kind === 'exited' && exit.code !== 0), describeExit(exit));
  });

  check('the exit of the builder ends what it left running', async (sandbox) => {
    const started = Date.now();
    const { exit } = await build(sandbox, 'sleep 60 & exit 0');
    assert.deepEqual(exit, { kind: 'exited', code: 0 });
    assert.ok(Date.now() - started < 20000);
  });

  check('kill ends the builder and its children', async (sandbox) => {
    const { exit } = await build(sandbox, 'sleep 60 & echo ready; wait', {
      async whileRunning(kill, log) {
        while (!log().includes('ready')) await sleep(10);
        kill();
      },
    });
    assert.notDeepEqual(exit, { kind: 'exited', code: 0 });
  });

  check('a sandbox folder left by a killed process is replaced', async (sandbox) => {
    const old = join(folder, String(count + 1), 'store', 'x.drv.chroot', 'root', 'nix');
    mkdirSync(old, { recursive: true });
    chmodSync(old, 0o555);
    chmodSync(join(old, '..'), 0o000);
    const { log } = await build(sandbox, 'ls -d /floe');
    assert.equal(log, '/floe\n');
  });
}

test('more inputs than bubblewrap copes with are bound by util-linux', { skip: WAYS[0]!.skip || WAYS[1]!.skip }, async () => {
  const base = join(folder, 'many');
  const inputs = Array.from({ length: 400 }, (_, index) => `input-${index}` as StorePath);
  for (const input of inputs) mkdirSync(`${base}/${input}`, { recursive: true });
  const { log } = await build(WAYS[0]!.sandbox!, 'ls /floe/store | wc -l; ls -l /dev/ptmx', { request: { inputs, realStoreDir: base } });
  assert.match(log, /^400\n.*\/dev\/pts\/ptmx\n$/);
});

test('a builder does not outlive a floe that was killed', { skip: WAYS[0]!.skip && WAYS[1]!.skip }, async () => {
  for (const { name, skip } of WAYS.slice(0, 2)) {
    if (skip !== false) continue;
    const base = join(folder, `orphan-${name}`);
    mkdirSync(`${base}/build`, { recursive: true });
    mkdirSync(`${base}/store`);
    const child = spawn(process.execPath, [join(import.meta.dirname, 'orphan.ts'), base, name === 'bubblewrap' ? 'yes' : 'no'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const beat = `${base}/build/beat`;
    for (let tries = 0; !existsSync(beat) && tries < 500; tries++) await sleep(20);
    child.kill('SIGKILL');
    await sleep(400);
    const last = statSync(beat).mtimeMs;
    await sleep(500);
    assert.equal(statSync(beat).mtimeMs, last, `${name}: the builder still runs`);
  }
});

test("without a sandbox, '__noChroot' and 'relaxed' are obeyed", () => {
  const choose = (policy: Partial<SandboxPolicy>, wish: Partial<typeof WISH>) =>
    new SandboxChooser({ ...POLICY, ...policy }, SEARCH_PATH, () => {}).choose({ ...WISH, ...wish }).kind;
  assert.equal(choose({ sandbox: 'false' }, {}), 'none');
  assert.equal(choose({ sandbox: 'relaxed' }, { noChroot: true }), 'none');
  assert.equal(choose({ sandbox: 'relaxed' }, { isolated: false }), 'none');
  assert.throws(
    () => choose({ sandbox: 'true' }, { noChroot: true }),
    /has '__noChroot' set, but that's not allowed when 'sandbox' is 'true'/,
  );
});

test('without namespaces: refused, or done without and said once', () => {
  const nothing = { ...POLICY, bubblewrap: '/bin/false' };
  const programs = findSandboxPrograms('');
  if (programs.unshare !== undefined && WAYS[1]!.skip === false) return; // This machine has them.
  assert.throws(() => new SandboxChooser(nothing, '', () => {}).choose(WISH), /does not support the kernel namespaces/);
  const warnings: string[] = [];
  const chooser = new SandboxChooser({ ...nothing, sandboxFallback: true }, '', (message) => warnings.push(message));
  assert.equal(chooser.choose(WISH).kind, 'none');
  chooser.choose(WISH);
  assert.equal(warnings.length, 1);
  assert.throws(() => chooser.choose({ ...WISH, divertedStore: true }), /its store does not lie at its own path/);
});

test('groups: builders of root have none of them, and where that cannot be, it may be forbidden', async (context) => {
  const drops = process.geteuid?.() === 0 && spawnSync('setpriv', ['--clear-groups', 'true']).status === 0;
  const choose = () => new SandboxChooser({ ...POLICY, requireDropGroups: true }, SEARCH_PATH, () => {}).choose(WISH);
  if (!drops) return void assert.throws(choose, /setgroups failed\. Set the require-drop-supplementary-groups option to false/);
  if (WAYS.every(({ sandbox }) => sandbox === undefined)) return context.skip('no sandbox here');
  // In a user namespace without the right to it.
  const script = `import { SandboxChooser } from '${new URL('../../src/build/sandbox/choose.ts', import.meta.url).href}';
    new SandboxChooser(${JSON.stringify({ ...POLICY, requireDropGroups: true })}, process.env.PATH, () => {}).choose(${JSON.stringify(WISH)});`;
  const inside = spawnSync('unshare', ['--mount', '--map-root-user', process.execPath, '--input-type=module', '--eval', script]);
  assert.match(String(inside.stderr), /setgroups failed/);
  choose();
});

test('a build without a sandbox runs in its folder with exactly its environment', async () => {
  const sandbox = new SandboxChooser({ ...POLICY, sandbox: 'false' }, SEARCH_PATH, () => {}).choose(WISH);
  const { log, exit } = await build(sandbox, 'pwd; env | grep -v -E "^(PWD|_|SHLVL)=" | sort; umask; exit 2', { env: [['a b', 'c']] });
  assert.equal(log, `${join(folder, String(count), 'build')}\nPATH=/usr/bin:/bin\n${log.includes('a b=') ? 'a b=c\n' : ''}0022\n`);
  assert.deepEqual(exit, { kind: 'exited', code: 2 });
});
