// SPDX-License-Identifier: GPL-2.0-only
// What the NATs we compare with have in common: all their state is soft, so whatever stops them empties it.

import { type EspPacket, type IkePacket, type Packet, readdressedEsp, readdressedIke } from "../packet";
import type { Memory, Nat, Sides } from "./nat";

export abstract class SoftNat implements Nat {
  private isUp = true;

  constructor(
    protected readonly sides: Sides,
    public wanAddress: number,
  ) {}

  fromLan(packet: Packet): void {
    if (!this.isUp) return;
    if (packet.kind === "esp") this.espFromLan(packet);
    else this.ikeFromLan(packet);
  }

  fromWan(packet: Packet): void {
    if (!this.isUp || packet.destination !== this.wanAddress) return;
    if (packet.kind === "esp") this.espFromWan(packet);
    else this.ikeFromWan(packet);
  }

  crash(_memory: Memory): void {
    this.isUp = false;
    this.forgetAll();
  }

  start(): void {
    this.isUp = true;
  }

  changeAddress(wanAddress: number): void {
    this.wanAddress = wanAddress;
  }

  setWallClock(_byMs: number): void {
    // None of them looks at it.
  }

  audit(): string | undefined {
    return undefined;
  }

  protected abstract forgetAll(): void;
  protected abstract espFromLan(packet: EspPacket): void;
  protected abstract espFromWan(packet: EspPacket): void;
  protected abstract ikeFromLan(packet: IkePacket): void;
  protected abstract ikeFromWan(packet: IkePacket): void;

  protected nowMs(): number {
    return this.sides.queue.nowMs;
  }

  protected espOut(packet: EspPacket): void {
    this.sides.toWan(readdressedEsp(packet, this.wanAddress, packet.destination));
  }

  protected espIn(packet: EspPacket, clients: readonly number[]): void {
    if (clients.length > 0) this.sides.toClients(readdressedEsp(packet, packet.source, clients[0]), clients);
  }

  /** @param port the source port that the server sees */
  protected ikeOut(packet: IkePacket, port: number): void {
    this.sides.toWan(readdressedIke(packet, this.wanAddress, port, packet.destination, packet.destinationPort));
  }

  protected ikeIn(packet: IkePacket, client: number, port: number): void {
    this.sides.toClients(readdressedIke(packet, packet.source, packet.sourcePort, client, port), [client]);
  }
}
