// Run by sandbox.test.ts as a process of its own, which is then killed: a sandboxed builder that touches a file until it ends.

import { SandboxChooser } from '../../src/build/sandbox/choose.ts';

const [base, bubblewrap] = process.argv.slice(2) as [string, string];
const chooser = new SandboxChooser(
  {
    sandbox: 'true',
    sandboxFallback: false,
    requireDropGroups: false,
    bubblewrap: bubblewrap === 'yes' ? undefined : '',
    sandboxBuildDir: '/build',
    sandboxShmSize: '50%',
    filterSyscalls: true,
    allowNewPrivileges: false,
    impersonateLinux26: false,
    sslCertFile: undefined,
    childStackLimit: undefined,
  },
  process.env['PATH'] ?? '',
  () => {},
);
const prepared = chooser.choose({ derivation: 'x', noChroot: false, isolated: true, divertedStore: false }).prepare({
  system: 'x86_64-linux',
  folder: `${base}/store/x.drv.chroot`,
  storeDir: '/floe/store',
  realStoreDir: `${base}/store`,
  inputs: [],
  extraPaths: ['/bin', '/lib', '/lib64', '/usr', '/nix'].map((path) => ({ target: path, source: path, optional: true })),
  buildDir: `${base}/build`,
  network: false,
  kvm: false,
});
const script = 'while :; do touch beat; sleep 0.05; done';
const running = prepared.start({
  program: '/bin/sh',
  args: ['-c', script],
  env: new Map([['PATH', '/usr/bin:/bin']]),
});
await running.exit;
