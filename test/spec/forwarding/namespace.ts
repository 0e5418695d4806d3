// SPDX-License-Identifier: GPL-2.0-only
// Networks of their own for the hosts of a spec: network namespaces that only a descriptor of this process keeps alive.
//
// Without a name there is nothing to clean up: they and all that is in them go with the process, however it ends.

import { errno, lastError } from "../../../src/system/errno";
import { declareC, lastErrorNumber } from "../../../src/system/ffi";
import { processId } from "../../../src/system/process";
import { outputOf, shell } from "../system/network";

/** @noSelf */
interface NamespaceLibrary {
  unshare(what: number): number;
  setns(fd: number, what: number): number;
  open(path: string, flags: number, mode: number): number;
  close(fd: number): number;
}

const C = declareC<NamespaceLibrary>(`
  int unshare(int what);
  int setns(int fd, int what);
  int open(const char *path, int flags, unsigned mode);
  int close(int fd);
`);

const CLONE_NEWNET = 0x40000000;
const O_CLOEXEC = 0x80000;

function currentNetwork(): number {
  const fd = C.open("/proc/self/ns/net", O_CLOEXEC, 0);
  if (fd < 0) error(lastError("/proc/self/ns/net"), 0);
  return fd;
}

export class Namespace {
  private readonly fd: number;
  private readonly home = currentNetwork();

  constructor() {
    if (C.unshare(CLONE_NEWNET) !== 0) {
      const hint = lastErrorNumber() === errno.EPERM ? ": run the specs as root" : "";
      error(`no network namespace${hint}`, 0);
    }
    this.fd = currentNetwork();
    C.setns(this.home, CLONE_NEWNET);
    // No packets of the kernel's own among ours.
    this.shell("sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.all.disable_ipv6=1");
    this.shell("ip link set lo up");
  }

  /** Does something in this network; sockets that it opens stay there. */
  inside<Result>(action: (this: void) => Result): Result {
    C.setns(this.fd, CLONE_NEWNET);
    const [done, result] = pcall(action);
    C.setns(this.home, CLONE_NEWNET);
    if (!done) error(result, 0);
    return result;
  }

  /** Runs a shell command in this network, which must succeed. */
  shell(command: string): void {
    this.inside(() => {
      shell(command);
    });
  }

  /** What a shell command prints in this network. */
  output(command: string): string {
    return this.inside(() => outputOf(command));
  }

  /** Commands for ip(8), a line each. */
  ip(...commands: readonly string[]): void {
    this.shell(`ip -batch - <<'end'\n${commands.join("\n")}\nend\n`);
  }

  /** How other programs name it, for `ip link … netns`. */
  path(): string {
    return `/proc/${processId()}/fd/${this.fd}`;
  }

  /** In a child of this process, for good. */
  enter(): void {
    C.setns(this.fd, CLONE_NEWNET);
  }

  /** Everything in it is gone when its last process and socket are. */
  close(): void {
    C.close(this.fd);
    C.close(this.home);
  }
}
