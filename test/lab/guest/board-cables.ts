// SPDX-License-Identifier: GPL-2.0-only
// The cables to a board outside of the guest. They end in two network interfaces that the guest's kernel is started with.

/** User-Mode Linux' names for its first two "vector" interfaces. */
const LAN_CABLE = "vec0";
const WAN_CABLE = "vec1";

/** Whether the router of this experiment is a board. */
export function hasBoard(): boolean {
  return os.getenv("LAB_ROUTER") === "board";
}

/** A cable's end, by the name that it has where it is plugged in. */
export interface Socket {
  readonly namespace: string;
  readonly device: string;
}

/** Takes the cables' ends to their namespaces, `ip -b` lines. */
export function plugInLines(lan: Socket, wan: Socket): string[] {
  return [
    `link set ${LAN_CABLE} netns ${lan.namespace} name ${lan.device}`,
    `link set ${WAN_CABLE} netns ${wan.namespace} name ${wan.device}`,
  ];
}

/** Commands that take them back, so that the namespaces can go and others come. Process 1 is in the guest's own. */
export function unplugCommands(lan: Socket, wan: Socket): string[] {
  return [
    `ip -n ${lan.namespace} link set ${lan.device} netns 1 name ${LAN_CABLE}`,
    `ip -n ${wan.namespace} link set ${wan.device} netns 1 name ${WAN_CABLE}`,
  ];
}
