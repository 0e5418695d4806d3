// SPDX-License-Identifier: GPL-2.0-only
// strongSwan as the IKE daemon of one node, as Debian sets it up, driven by swanctl.
//
// strongSwan cannot be told to do without NAT traversal: it goes to UDP 4500 when its peer takes part in the search for
// a NAT. The peers here do not, so it stays on UDP 500 with native ESP.

import { waitUntil } from "./clock";
import { runDirectoryOf, SECRET } from "./libreswan";
import { type Daemon, isRunning, must, readText, run, spawn, writeText } from "./shell";
import { type Client, SERVER, SERVER_ADDRESS, SERVER_INNER_SUBNET } from "./topology";

const READY_TIMEOUT_MS = 15_000;
const INITIATE_TIMEOUT_S = 15;

/** The names of connection and child. */
export const STRONGSWAN_TUNNEL = "tunnel/net";

/** What its peer is willing to use. */
export interface Proposals {
  readonly ike: string;
  readonly esp: string;
}

export function viciSocketOf(node: string): string {
  return `${runDirectoryOf(node)}/charon.vici`;
}

/** Debian's own settings, but for what has to be each node's own. */
function daemonText(node: string): string {
  return `
charon-systemd {
  load_modular = yes
  plugins {
    include /etc/strongswan.d/charon/*.conf
    vici {
      socket = unix://${viciSocketOf(node)}
    }
  }
  filelog {
    lab {
      path = ${logFileOf(node)}
      default = 1
      flush_line = yes
      time_format = %H:%M:%S
    }
  }
}
`;
}

/**
 * One connection with one child, from a client to the server. It is negotiated when there is data for it, the usual
 * setting, so whatever the watchdog lets the kernel ask for becomes a negotiation too many.
 */
export function clientConnection(client: Client, proposals: Proposals): string {
  return `
connections {
  tunnel {
    version = 2
    local_addrs = ${client.address}
    remote_addrs = ${SERVER_ADDRESS}
    proposals = ${proposals.ike}
    mobike = no
    local {
      auth = psk
      id = ${client.name}
    }
    remote {
      auth = psk
      id = ${SERVER}
    }
    children {
      net {
        local_ts = ${client.innerAddress}/32
        remote_ts = ${SERVER_INNER_SUBNET}
        esp_proposals = ${proposals.esp}
        start_action = trap
      }
    }
  }
}
secrets {
  ike {
    secret = "${SECRET}"
  }
}
`;
}

function logFileOf(node: string): string {
  return `${runDirectoryOf(node)}/charon.log`;
}

function swanctl(node: string, command: string): { status: number; output: string } {
  return run(`timeout ${INITIATE_TIMEOUT_S + 1} swanctl ${command} --uri unix://${viciSocketOf(node)}`);
}

/** Starts a node's daemon and has it read its connection. */
export function startStrongSwan(node: string, connection: string): Daemon {
  const directory = runDirectoryOf(node);
  must(`mkdir -p ${directory} && rm -f ${directory}/charon.*`);
  writeText(`${directory}/strongswan.conf`, daemonText(node));
  writeText(`${directory}/swanctl.conf`, connection);
  const environment = `STRONGSWAN_CONF=${directory}/strongswan.conf`;
  const program = ["ip", "netns", "exec", node, "env", environment, "charon-systemd"];
  const daemon = spawn(program, `${directory}/charon.output`);
  const isReady = waitUntil(() => !isRunning(daemon) || swanctl(node, "--stats").status === 0, READY_TIMEOUT_MS);
  const load = `--load-all --file ${directory}/swanctl.conf`;
  if (!isReady || !isRunning(daemon) || swanctl(node, load).status !== 0) {
    const said = readText(`${directory}/charon.output`);
    error(`strongSwan of ${node} did not start:\n${said}${strongSwanLog(node)}${swanctl(node, load).output}`, 0);
  }
  return daemon;
}

/** Negotiates the tunnel and waits for the outcome. @returns what swanctl said */
export function initiateStrongSwan(client: Client): string {
  return swanctl(client.name, `--initiate --ike tunnel --child net --timeout ${INITIATE_TIMEOUT_S}`).output;
}

/** Negotiates a new epoch in the IKE session that is there. */
export function rekeyStrongSwan(client: Client): void {
  swanctl(client.name, "--rekey --child net");
}

/** How many pairs of SAs it has made, in this session and before. */
export function childrenOf(node: string): number {
  const [, count] = string.gsub(strongSwanLog(node), "establishing CHILD_SA net", "");
  return count;
}

export function strongSwanLog(node: string): string {
  return readText(logFileOf(node));
}
