// SPDX-License-Identifier: GPL-2.0-only
// A kernel's IPsec that is a list of SAs and a list of policies, for the specs of who drives it.

import { fail, type Outcome, succeed } from "../../../src/system/outcome";
import type { Addition, Removal, Xfrm } from "../../../src/system/xfrm";
import {
  type LarvalRequest,
  type Policy,
  type PolicyId,
  PROTOCOL_ESP,
  type Sa,
  type SaId,
} from "../../../src/system/xfrm-message";
import { pinName } from "../../../src/watchdog/pin-policy";
import { address } from "../frame";

export const LOCAL = address("192.168.1.11");
export const PEER = address("198.51.100.99");

/** An ESP SA; what is not told is ordinary. */
export function sa(changes: Partial<Sa>): Sa {
  return {
    source: LOCAL,
    destination: PEER,
    spi: 1,
    protocol: PROTOCOL_ESP,
    mark: undefined,
    mode: "tunnel",
    reqid: 16389,
    interfaceId: 0,
    packets: 0,
    bytes: 0,
    addedSeconds: 1000,
    lastUsedSeconds: undefined,
    hardLifetimeSeconds: Infinity,
    isLarval: false,
    ...changes,
  };
}

export function outgoing(spi: number, changes: Partial<Sa> = {}): Sa {
  return sa({ spi, ...changes });
}

export function incoming(spi: number, changes: Partial<Sa> = {}): Sa {
  return sa({ source: PEER, destination: LOCAL, spi, ...changes });
}

export class FakeXfrm implements Xfrm {
  /** The newest first, as the kernel lists them. */
  states: Sa[] = [];
  installed: Policy[] = [];
  /** What was asked for that changes something. */
  changes: string[] = [];
  /** While it is set, everything fails of it. */
  problem: string | undefined;
  private larvalSpi = 100;

  sas(): Outcome<Sa[]> {
    if (this.problem !== undefined) return fail(this.problem);
    return succeed([...this.states]);
  }

  sa(id: SaId): Outcome<Sa | "absent"> {
    if (this.problem !== undefined) return fail(this.problem);
    const found = this.states.find((state) => isNamed(state, id));
    return succeed(found ?? ("absent" as const));
  }

  allocate({ source, destination, reqid }: LarvalRequest): Outcome<Sa> {
    if (this.problem !== undefined) return fail(this.problem);
    this.larvalSpi += 1;
    const made = sa({ source, destination, reqid, spi: this.larvalSpi, isLarval: true, hardLifetimeSeconds: 30 });
    this.states = [made, ...this.states];
    this.changes.push("allocate");
    return succeed(made);
  }

  removeSa(id: SaId): Outcome<Removal> {
    if (this.problem !== undefined) return fail(this.problem);
    const left = this.states.filter((state) => !isNamed(state, id));
    const removal = left.length < this.states.length ? "removed" : "absent";
    this.states = left;
    this.changes.push("remove sa");
    return succeed(removal);
  }

  policies(): Outcome<Policy[]> {
    if (this.problem !== undefined) return fail(this.problem);
    return succeed([...this.installed]);
  }

  addPolicy(policy: Policy): Outcome<Addition> {
    if (this.problem !== undefined) return fail(this.problem);
    if (this.installed.some((other) => pinName(other) === pinName(policy))) return succeed("taken" as const);
    this.installed.push(policy);
    this.changes.push("add");
    return succeed("added" as const);
  }

  updatePolicy(policy: Policy): Outcome<true> {
    if (this.problem !== undefined) return fail(this.problem);
    this.installed = [...this.installed.filter((other) => pinName(other) !== pinName(policy)), policy];
    this.changes.push("update");
    return succeed(true as const);
  }

  removePolicy(id: PolicyId): Outcome<Removal> {
    if (this.problem !== undefined) return fail(this.problem);
    const left = this.installed.filter((other) => pinName(other) !== pinName(id));
    const removal = left.length < this.installed.length ? "removed" : "absent";
    this.installed = left;
    this.changes.push("remove");
    return succeed(removal);
  }
}

function isNamed(state: Sa, id: SaId): boolean {
  return state.spi === id.spi && state.destination === id.destination;
}
