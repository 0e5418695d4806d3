// SPDX-License-Identifier: GPL-2.0-only
// What is plugged into the emulated board's network ports, as words for QEMU.

/** A network of QEMU's own, without rights on this machine: it gives addresses, and reaches the outside. */
export interface UserLink {
  readonly kind: "user";
  /** As 192.168.1.0/24; this machine is its address 2. */
  readonly network?: string;
  /** What the board gets by tftp. */
  readonly tftpFolder?: string;
}

/** An interface of this machine, or of the network namespace that the emulator runs in; it is made if it is not there. */
export interface TapLink {
  readonly kind: "tap";
  readonly name: string;
}

/** Frames through a pair of unix datagram sockets: another emulator, or a program. */
export interface SocketLink {
  readonly kind: "socket";
  readonly ours: string;
  readonly theirs: string;
}

/** A cable that is not plugged in. */
export interface NoLink {
  readonly kind: "none";
}

export type NetworkLink = UserLink | TapLink | SocketLink | NoLink;

function backend(link: Exclude<NetworkLink, NoLink>): string {
  switch (link.kind) {
    case "user": {
      const [base] = (link.network ?? "").split(/\d+\//);
      const network = link.network === undefined ? [] : [`net=${link.network}`, `host=${base}2`];
      const tftp = link.tftpFolder === undefined ? [] : [`tftp=${link.tftpFolder}`];
      return ["user", ...network, ...tftp].join(",");
    }
    case "tap":
      return `tap,ifname=${link.name},script=no,downscript=no`;
    case "socket":
      return `dgram,local.type=unix,local.path=${link.ours},remote.type=unix,remote.path=${link.theirs}`;
  }
}

/** A port of the board with what is plugged in: the port is there in any case. */
export function portWords(name: string, hardwareAddress: string, link: NetworkLink): string[] {
  const device = `virtio-net-pci,id=${name}-port,mac=${hardwareAddress},romfile=`;
  if (link.kind === "none") return ["-device", device];
  return [
    "-netdev",
    backend(link).replace(/,|$/, (after) => `,id=${name}${after}`),
    "-device",
    `${device},netdev=${name}`,
  ];
}
