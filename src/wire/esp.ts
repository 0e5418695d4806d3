// SPDX-License-Identifier: GPL-2.0-only
// The ESP header (RFC 4303 §2): the SPI and the sequence number, all that is readable of a protected packet.

import { Bytes, readWord } from "./bytes";

/** Where each field of the header starts, in bytes. */
export const enum EspField {
  Spi = 0,
  SequenceNumber = 4,
}

export const ESP_HEADER_BYTES = 8;

/** SPIs up to this one are reserved by the registry and never belong to a negotiated SA (RFC 4303 §2.1). */
export const RESERVED_SPI_MAX = 255;

/** Why bytes are not an ESP packet of a negotiated SA. */
export type EspFault = "esp-truncated" | "esp-spi-zero" | "esp-spi-reserved";

/** One line for people about each fault. */
export const ESP_FAULTS: Record<EspFault, string> = {
  "esp-truncated": "the IPv4 packet ends before the ESP header does",
  "esp-spi-zero": "SPI 0 is for local use and must not be on the wire",
  "esp-spi-reserved": "SPIs 1-255 are reserved and belong to no negotiated SA",
};

/** A view over one ESP packet in a frame. Keep one instance and attach it to each packet in turn. */
export class EspView {
  frame: Bytes = {};
  at = 0;

  /**
   * Takes the ESP packet at `at`, whole or a first fragment.
   *
   * @param availableBytes the IPv4 payload
   * @returns why it is refused; undefined when it is well-formed
   */
  attach(frame: Bytes, at: number, availableBytes: number): EspFault | undefined {
    if (availableBytes < ESP_HEADER_BYTES) return "esp-truncated";
    const spi = readWord(frame, at + EspField.Spi);
    if (spi === 0) return "esp-spi-zero";
    if (spi > 0 && spi <= RESERVED_SPI_MAX) return "esp-spi-reserved";
    this.frame = frame;
    this.at = at;
    return undefined;
  }

  /** A word, never 0: chosen by the receiver of the SA. */
  spi(): number {
    return readWord(this.frame, this.at + EspField.Spi);
  }

  /** A word: the low half when the SA uses extended numbers. Compare two of them by `toWord(a - b)`. */
  sequenceNumber(): number {
    return readWord(this.frame, this.at + EspField.SequenceNumber);
  }
}
