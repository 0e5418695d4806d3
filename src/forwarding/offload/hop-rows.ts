// SPDX-License-Identifier: GPL-2.0-only
// The next hops of one interface as rows that its neighbours' programs read: one change of a neighbour is one write.

import type { BpfMap } from "../../system/bpf-map";
import { byteArray, type BytePtr, cast, create, fillBytes, type Ptr, typeOf } from "../../system/ffi";
import type { RouteEvent } from "../../system/rtnetlink";
import { write16 } from "../../wire/bytes";
import { copyHardwareAddress, EthernetField, EtherType } from "../../wire/ethernet";
import type { NextHop } from "../next-hops";
import type { Side } from "../side";
import { hop as hopField, HOP_BYTES, HOP_LINK_AT } from "./layout";

/** As many destinations as are remembered on an interface (next-hops.ts). */
export const ROWS_A_SIDE = 1024;

const words = typeOf<Ptr<number>>("uint32_t*");
const WORD_BYTES = 4;

interface Row {
  readonly number: number;
  /** Undefined: the row is not to be used until the hop is found anew. */
  hop: NextHop | undefined;
}

export class HopRows {
  private readonly byDestination = new LuaMap<number, Row>();
  private count = 0;
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

  /** The row for a destination (a word); undefined while its next hop cannot be used, or when all rows are taken. */
  find(destination: number): number | undefined {
    const known = this.byDestination.get(destination);
    if (known?.hop !== undefined && known.hop.hardwareAddress !== undefined) return known.number;
    const hop = this.side.hops.find(destination);
    if (hop.hardwareAddress === undefined) return undefined;
    const row = known ?? this.take(destination);
    if (row === undefined) return undefined;
    row.hop = hop;
    return this.write(row) ? row.number : undefined;
  }

  /** Says that packets to a destination pass, so that the kernel keeps its neighbour confirmed. */
  markInUse(destination: number): void {
    const row = this.byDestination.get(destination);
    if (row?.hop !== undefined) row.hop.isInUse = true;
  }

  /** Call it when the side has followed the event. */
  follow(event: RouteEvent): void {
    if (event.kind === "route" || event.kind === "resynchronise") this.invalidate();
    else if (event.kind === "neighbour" || event.kind === "neighbour gone") this.rewrite(event.neighbour.address);
  }

  /** No row is to be used until its hop is found anew. */
  invalidate(): void {
    for (const [, row] of this.byDestination) {
      row.hop = undefined;
      this.write(row);
    }
  }

  private rewrite(neighbour: number): void {
    for (const [, row] of this.byDestination) {
      if (row.hop?.neighbour === neighbour) this.write(row);
    }
  }

  private take(destination: number): Row | undefined {
    if (this.count >= ROWS_A_SIDE) return undefined;
    const row: Row = { number: this.first + this.count, hop: undefined };
    this.count += 1;
    this.byDestination.set(destination, row);
    return row;
  }

  private write({ number, hop }: Row): boolean {
    fillBytes(this.value, HOP_BYTES);
    const to = hop?.hardwareAddress;
    const from = this.side.link.hardwareAddress;
    if (hop !== undefined && to !== undefined && from !== undefined) {
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
