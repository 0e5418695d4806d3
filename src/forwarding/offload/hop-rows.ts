// SPDX-License-Identifier: GPL-2.0-only
// The next hops of one interface as rows that the other interface's program reads: one change of a neighbour is one write,
// whatever the number of tunnels and flows.
//
// A row is a neighbour and the longest packet for it. When routes change, every row is void for good, since an entry that
// names it may have another next hop now; entries get new rows as their packets come up. So numbers are used up, and when
// there are none left but of void rows, the owner takes all entries back and begins anew.

import type { BpfMap } from "../../system/bpf-map";
import { byteArray, type BytePtr, cast, create, fillBytes, type Ptr, typeOf } from "../../system/ffi";
import type { RouteEvent } from "../../system/rtnetlink";
import { type Bytes, write16 } from "../../wire/bytes";
import { copyHardwareAddress, EthernetField, EtherType } from "../../wire/ethernet";
import { unsigned } from "../../wire/word";
import type { NextHop } from "../next-hops";
import type { Side } from "../side";
import { hop as hopField, HOP_BYTES, HOP_LINK_AT } from "./layout";

/** As many as destinations are remembered on an interface (next-hops.ts): in a LAN each client is a next hop. */
export const ROWS_A_SIDE = 1024;

const words = typeOf<Ptr<number>>("uint32_t*");
const WORD_BYTES = 4;
/** Above the longest packet. */
const MTU_MODULUS = 0x20000;

interface Row {
  readonly number: number;
  /** Of the destination that was looked for last. */
  hop: NextHop;
}

export class HopRows {
  /** No row was left for a next hop, and some are void. */
  isUsedUp = false;
  private readonly byHop = new LuaMap<number, Row>();
  private readonly byNumber = new LuaMap<number, Row>();
  private count = 0;
  private voidCount = 0;
  private readonly key = create(byteArray, WORD_BYTES);
  private readonly keyWord = cast(words, this.key);
  private readonly value: BytePtr = create(byteArray, HOP_BYTES);
  private readonly valueWords = cast(words, this.value);

  /** @param first number of this interface's first row */
  constructor(
    private readonly map: BpfMap,
    private readonly side: Side,
    private readonly first: number,
  ) {}

  /** The row for a destination (a word); undefined while its next hop cannot be used, or when all rows are used up. */
  find(destination: number): number | undefined {
    const hop = this.side.hops.find(destination);
    if (hop.hardwareAddress === undefined) return undefined;
    const name = unsigned(hop.neighbour) * MTU_MODULUS + hop.mtuBytes;
    const row = this.byHop.get(name) ?? this.take(name, hop);
    if (row !== undefined) row.hop = hop;
    return row?.number;
  }

  /** Whether entries with this row need no other. */
  isValid(number: number): boolean {
    return this.byNumber.has(number);
  }

  /** Says that packets pass by a row, so that the kernel keeps its neighbour confirmed. */
  markInUse(number: number): void {
    const row = this.byNumber.get(number);
    if (row !== undefined) row.hop.isInUse = true;
  }

  /** Call it when the side has followed the event. */
  follow(event: RouteEvent): void {
    if (event.kind === "route" || event.kind === "resynchronise") {
      this.makeVoid();
    } else if (event.kind === "neighbour" || event.kind === "neighbour gone") {
      const { address, interfaceIndex, isUsable, hardwareAddress } = event.neighbour;
      if (interfaceIndex !== this.side.link.index) return;
      const isThere = event.kind === "neighbour" && isUsable;
      for (const [, row] of this.byHop) {
        if (row.hop.neighbour === address) this.write(row, isThere ? hardwareAddress : undefined);
      }
    }
  }

  /** When no entry names a row any more. */
  beginAnew(): void {
    this.makeVoid();
    this.count = 0;
    this.voidCount = 0;
    this.isUsedUp = false;
  }

  private makeVoid(): void {
    for (const [name, row] of this.byHop) {
      this.write(row, undefined);
      this.voidCount += 1;
      this.byHop.delete(name);
      this.byNumber.delete(row.number);
    }
  }

  private take(name: number, hop: NextHop): Row | undefined {
    if (this.count >= ROWS_A_SIDE) {
      this.isUsedUp = this.voidCount > 0;
      return undefined;
    }
    const row: Row = { number: this.first + this.count, hop };
    if (!this.write(row, hop.hardwareAddress)) return undefined;
    this.count += 1;
    this.byHop.set(name, row);
    this.byNumber.set(row.number, row);
    return row;
  }

  private write({ number, hop }: Row, to: Bytes | undefined): boolean {
    fillBytes(this.value, HOP_BYTES);
    const from = this.side.link.hardwareAddress;
    if (to !== undefined && from !== undefined) {
      copyHardwareAddress(to, 0, this.value, HOP_LINK_AT + EthernetField.Destination);
      copyHardwareAddress(from, 0, this.value, HOP_LINK_AT + EthernetField.Source);
      write16(this.value, HOP_LINK_AT + EthernetField.EtherType, EtherType.Ipv4);
      this.valueWords[hopField.interfaceIndex.at / WORD_BYTES] = this.side.link.index;
      this.valueWords[hopField.mtuBytes.at / WORD_BYTES] = hop.mtuBytes;
    }
    this.keyWord[0] = number;
    const [done] = this.map.update(this.key, this.value);
    return done !== undefined;
  }
}
