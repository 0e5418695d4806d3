// SPDX-License-Identifier: GPL-2.0-only
// The Ethernet view, with and without a VLAN tag.

import { copyHardwareAddress, EthernetView, EtherType } from "../../../src/wire/ethernet";
import { bufferOf, counting, ethernet, hex, newBuffer, octetsOf } from "../frame";

const view = new EthernetView();

describe("an Ethernet frame", () => {
  it("without a tag shows its type and payload", () => {
    assert.is_nil(view.attach(bufferOf(ethernet({ payload: counting(46) })), 0, 60));
    assert.equal(EtherType.Ipv4, view.etherType);
    assert.equal(14, view.payloadAt);
    assert.equal(46, view.payloadBytes);
    assert.is_false(view.isVlanTagged());
  });

  it("with a VLAN tag shows the type behind it and the VLAN without its priority", () => {
    const octets = ethernet({ payload: counting(46), etherType: EtherType.Arp, vlanTag: 0xe00a });
    assert.is_nil(view.attach(bufferOf(octets), 0, octets.length));
    assert.equal(EtherType.Arp, view.etherType);
    assert.is_true(view.isVlanTagged());
    assert.equal(10, view.vlanId);
    assert.equal(18, view.payloadAt);
    assert.equal(46, view.payloadBytes);
  });

  it("with two tags is not looked through to the end", () => {
    const octets = ethernet({ payload: counting(46), etherType: EtherType.Vlan, vlanTag: 5 });
    assert.is_nil(view.attach(bufferOf(octets), 0, octets.length));
    assert.equal(EtherType.Vlan, view.etherType);
  });

  it("is refused when its header or tag is cut", () => {
    const octets = ethernet({ payload: counting(4), vlanTag: 5 });
    assert.equal("ethernet-truncated", view.attach(bufferOf(octets), 0, 13));
    assert.equal("ethernet-truncated", view.attach(bufferOf(octets), 0, 17));
    assert.is_nil(view.attach(bufferOf(octets), 0, 18));
  });

  it("goes to a group when the first address bit on the wire says so", () => {
    assert.is_nil(view.attach(bufferOf(ethernet({ payload: [], to: "ff:ff:ff:ff:ff:ff" })), 0, 14));
    assert.is_true(view.isToGroup());
    assert.is_nil(view.attach(bufferOf(ethernet({ payload: [], to: "02:ff:ff:ff:ff:ff" })), 0, 14));
    assert.is_false(view.isToGroup());
  });

  it("gives a hardware address to another frame", () => {
    const to = newBuffer(8);
    copyHardwareAddress(bufferOf(hex("aa 01 02 03 04 05 06 bb")), 1, to, 1);
    assert.same(hex("00 01 02 03 04 05 06 00"), octetsOf(to, 0, 8));
  });
});
