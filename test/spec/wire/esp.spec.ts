// SPDX-License-Identifier: GPL-2.0-only
// The ESP view: the SPI and the sequence number, and SPIs that no SA has.

import { EspFault, EspView } from "../../../src/wire/esp";
import { bufferOf, hex, Octets } from "../frame";

const view = new EspView();

function faultOf(octets: Octets): EspFault | undefined {
  return view.attach(bufferOf(octets), 0, octets.length);
}

describe("an ESP packet", () => {
  it("shows its SPI and sequence number as words", () => {
    assert.is_nil(faultOf(hex("c0ffee01 80000002 aabbccdd")));
    assert.equal(0xc0ffee01 - 0x100000000, view.spi());
    assert.equal(0x80000002 - 0x100000000, view.sequenceNumber());
  });

  it("is refused when its header is cut", () => {
    assert.equal("esp-truncated", faultOf(hex("c0ffee01 000000")));
    assert.equal("esp-truncated", faultOf([]));
  });

  it("is refused with the SPI that is never on the wire", () => {
    assert.equal("esp-spi-zero", faultOf(hex("00000000 00000001")));
  });

  it("is refused with the reserved SPIs 1 to 255 and with no other", () => {
    assert.equal("esp-spi-reserved", faultOf(hex("00000001 00000001")));
    assert.equal("esp-spi-reserved", faultOf(hex("000000ff 00000001")));
    assert.is_nil(faultOf(hex("00000100 00000001")));
    assert.is_nil(faultOf(hex("ffffffff 00000001")));
    assert.is_nil(faultOf(hex("80000001 00000001")));
  });
});
