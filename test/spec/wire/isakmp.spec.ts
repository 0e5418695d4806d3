// SPDX-License-Identifier: GPL-2.0-only
// The IKE header of both versions, exchanges by name, and what is on port 4500 beside IKE.

import {
  exchangeName,
  ExchangeV1,
  ExchangeV2,
  FlagV1,
  FlagV2,
  isNatKeepalive,
  IsakmpFault,
  IsakmpView,
  mayCreateChildSa,
  natTraversalPayload,
  NatTraversalPayload,
} from "../../../src/wire/isakmp";
import { bufferOf, hex, isakmp, IsakmpOptions, join, Octets } from "../frame";

const COOKIE = "0123456789abcdef";
const OTHER_COOKIE = "fedcba9876543210";
const view = new IsakmpView();

function faultOf(octets: Octets, isFirstFragment = false): IsakmpFault | undefined {
  return view.attach(bufferOf(octets), 0, octets.length, isFirstFragment);
}

function attach(message: Partial<IsakmpOptions>): void {
  assert.is_nil(faultOf(isakmp({ initiatorCookie: COOKIE, responderCookie: OTHER_COOKIE, ...message })));
}

describe("an IKE message", () => {
  it("shows its cookies as four words", () => {
    attach({});
    assert.equal(0x01234567, view.initiatorCookieHigh());
    assert.equal(0x89abcdef - 0x100000000, view.initiatorCookieLow());
    assert.equal(0xfedcba98 - 0x100000000, view.responderCookieHigh());
    assert.equal(0x76543210, view.responderCookieLow());
  });

  it("shows the rest of its header", () => {
    attach({ nextPayload: 46, exchangeType: ExchangeV2.IkeAuth, messageId: 0x80000001, payload: hex("00") });
    assert.equal(46, view.nextPayload());
    assert.equal(2, view.majorVersion());
    assert.equal(0, view.minorVersion());
    assert.equal(ExchangeV2.IkeAuth, view.exchangeType());
    assert.equal(0x80000001 - 0x100000000, view.messageId());
    assert.equal(29, view.lengthBytes());
  });

  it("may be nothing but its header", () => {
    attach({ payload: [] });
    assert.equal(28, view.lengthBytes());
  });

  it("shows both parts of its version", () => {
    const message = isakmp({ initiatorCookie: COOKIE });
    message[17] = 0x1f;
    assert.is_nil(faultOf(message));
    assert.same([1, 15], [view.majorVersion(), view.minorVersion()]);
  });

  it("has no responder cookie until the responder chose one, in either half", () => {
    attach({ responderCookie: "0000000000000000" });
    assert.is_false(view.hasResponderCookie());
    attach({ responderCookie: "0000000000000001" });
    assert.is_true(view.hasResponderCookie());
    attach({ responderCookie: "8000000000000000" });
    assert.is_true(view.hasResponderCookie());
  });

  it("of IKEv2 says whether the initiator sent it and whether it is a response", () => {
    attach({ flags: FlagV2.Initiator });
    assert.same([true, false], [view.isFromInitiator(), view.isResponse()]);
    attach({ flags: FlagV2.Response });
    assert.same([false, true], [view.isFromInitiator(), view.isResponse()]);
    attach({ flags: 0xff });
    assert.same([false, false], [view.isEncrypted(), view.isCommit()]);
  });

  it("of IKEv1 says whether it is encrypted and whether it wants a commit", () => {
    attach({ majorVersion: 1, flags: FlagV1.Encryption });
    assert.same([true, false], [view.isEncrypted(), view.isCommit()]);
    attach({ majorVersion: 1, flags: FlagV1.Commit });
    assert.same([false, true], [view.isEncrypted(), view.isCommit()]);
    attach({ majorVersion: 1, flags: 0xff });
    assert.same([false, false], [view.isFromInitiator(), view.isResponse()]);
  });

  it("is refused by name when it is not well-formed", () => {
    const whole = isakmp({ initiatorCookie: COOKIE });
    assert.equal("isakmp-truncated", faultOf(whole.slice(0, 27)));
    assert.equal("isakmp-truncated", faultOf(whole.slice(0, 59)));
    assert.equal("isakmp-initiator-cookie-zero", faultOf(isakmp({ initiatorCookie: "0000000000000000" })));
    assert.equal("isakmp-bad-version", faultOf(isakmp({ initiatorCookie: COOKIE, majorVersion: 3 })));
    assert.equal("isakmp-bad-version", faultOf(isakmp({ initiatorCookie: COOKIE, majorVersion: 0 })));
    assert.equal("isakmp-length", faultOf(isakmp({ initiatorCookie: COOKIE, lengthBytes: 27 })));
    assert.equal("isakmp-length", faultOf(isakmp({ initiatorCookie: COOKIE, lengthBytes: 0xffffffff })));
  });

  it("may have an initiator cookie of which only one half is zero", () => {
    assert.is_nil(faultOf(isakmp({ initiatorCookie: "0000000000000001" })));
    assert.is_nil(faultOf(isakmp({ initiatorCookie: "0000000100000000" })));
    assert.is_nil(faultOf(isakmp({ initiatorCookie: "0000000001000000" })));
  });

  it("may end early when it is a first fragment", () => {
    assert.is_nil(faultOf(isakmp({ initiatorCookie: COOKIE }).slice(0, 40), true));
  });

  it("may be of an exchange that nobody knows yet", () => {
    attach({ exchangeType: 240 });
    assert.equal(240, view.exchangeType());
    assert.is_false(view.mayCreateChildSa());
  });
});

describe("an IKE exchange", () => {
  it("creates child SAs in IKEv1 Quick Mode, and in IKEv2 IKE_AUTH and CREATE_CHILD_SA, and nowhere else", () => {
    const creating: string[] = [];
    for (const majorVersion of [1, 2]) {
      for (const exchangeType of $range(0, 255)) {
        if (mayCreateChildSa(majorVersion, exchangeType)) creating.push(`v${majorVersion} ${exchangeType}`);
      }
    }
    assert.same(["v1 32", "v2 35", "v2 36"], creating);
    attach({ majorVersion: 1, exchangeType: ExchangeV1.QuickMode });
    assert.is_true(view.mayCreateChildSa());
  });

  it("has the name that its RFC gives it, in its version only", () => {
    assert.equal("Main Mode", exchangeName(1, ExchangeV1.MainMode));
    assert.equal("CREATE_CHILD_SA", exchangeName(2, ExchangeV2.CreateChildSa));
    assert.equal("exchange 36", exchangeName(1, 36));
    assert.equal("exchange 240", exchangeName(2, 240));
  });
});

describe("the payload of a packet on port 4500", () => {
  function kindOf(octets: Octets): NatTraversalPayload {
    return natTraversalPayload(bufferOf(octets), 0, octets.length);
  }

  it("is IKE behind the non-ESP marker", () => {
    assert.equal("ike", kindOf(join(hex("00000000"), isakmp({ initiatorCookie: COOKIE }))));
    assert.equal("ike", kindOf(hex("00000000")));
  });

  it("is ESP where an SPI stands instead of the marker", () => {
    assert.equal("esp-in-udp", kindOf(hex("c0ffee01 00000001")));
  });

  it("is a keepalive when it is the single byte 0xff", () => {
    assert.equal("keepalive", kindOf(hex("ff")));
    assert.is_true(isNatKeepalive(bufferOf(hex("00 ff 00")), 1, 1));
    assert.is_false(isNatKeepalive(bufferOf(hex("ff ff")), 0, 2));
  });

  it("is unknown when it is too short for an SPI", () => {
    assert.equal("unknown", kindOf([]));
    assert.equal("unknown", kindOf(hex("00")));
    assert.equal("unknown", kindOf(hex("00 00 00")));
  });
});
