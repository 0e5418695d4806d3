// SPDX-License-Identifier: GPL-2.0-only
// Doing something inside a network namespace: a socket made there stays there, so no process is needed for it.

import { C, CLONE_NEWNET, mustSucceed, O_RDONLY } from "./libc";

function enter(path: string): void {
  const fd = mustSucceed(C.open(path, O_RDONLY), `open ${path}`);
  mustSucceed(C.setns(fd, CLONE_NEWNET), `setns ${path}`);
  C.close(fd);
}

/** Runs the action in the named network namespace and comes back. The action must not throw. */
export function inNamespace<Result>(name: string, action: () => Result): Result {
  enter(`/run/netns/${name}`);
  const result = action();
  enter("/proc/1/ns/net");
  return result;
}
