// SPDX-License-Identifier: GPL-2.0-only
// The router of the lab: the kernel's own masquerade, or vpnmasq as a user starts it, in the guest or on a board.

import { hasBoard } from "./board-cables";
import { BoardRouter } from "./board-router";
import { startNamespaceRouter } from "./namespace-router";
import { must } from "./shell";
import { ROUTER, WAN_INTERFACE } from "./topology";

/** Forwarding and masquerade as a stock Linux router does it, with connection tracking. */
export function useStockMasquerade(): void {
  must(
    `ip netns exec ${ROUTER} sh -c '` +
      `sysctl -qw net.ipv4.ip_forward=1; iptables-legacy -t nat -A POSTROUTING -o ${WAN_INTERFACE} -j MASQUERADE'`,
  );
}

/** Keys of the router's configuration that scenarios set; their meaning is in docs/configuration.md. */
export interface RouterSettings {
  readonly algorithm?: "published";
  readonly nat_loss_watch?: boolean;
  readonly limits?: {
    readonly esp_outstanding_ms?: number;
    readonly esp_idle_ms?: number;
    readonly esp_unconfirmed_idle_ms?: number;
  };
}

/** vpnmasq as a router, whatever it runs on. */
export interface Router {
  /** Kills the program, as kill -9 does. What it runs on goes on. */
  kill(): void;
  /** The same, and where it runs on a board, that loses its power. */
  crash(): void;
  /** Takes away what the program keeps over its own death: the snapshot of its table. */
  wipeSnapshot(): void;
  /** Brings back what was killed, and waits until it works. */
  restart(): void;
  /** Puts new files in the place of the program's, as a package manager does: it stops it before and starts it after. */
  upgrade(): void;
  /** The experiment is over. */
  stop(): void;
  /** What a command such as "table" or "counters --json" prints. */
  ask(command: string): string;
  /** The end of its log, for the reader of a failure. */
  log(): string;
}

/** Starts the router of a network that has been built, and waits until it works. */
export function startRouter(settings: RouterSettings = {}): Router {
  return hasBoard() ? new BoardRouter(settings) : startNamespaceRouter(settings);
}
