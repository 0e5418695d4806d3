// SPDX-License-Identifier: GPL-2.0-only
// The metadata at the end of OpenWrt's images is read as fwtool reads it, and what is damaged is not taken for whole.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readMetadata, withMetadata } from "../../../src/host/flash/firmware-metadata.js";
import { metadataFor, noise, REVISION, UIMAGE_MAGIC } from "./images.js";

/**
 * Made by OpenWrt's own fwtool: the text "vpnmasq", then `fwtool -I` with metadata, then `fwtool -S` with a signature.
 */
const BY_FWTOOL = [
  "dnBubWFzcQAAAAAAAAAAeyJtZXRhZGF0YV92ZXJzaW9uIjoiMS4xIiwiY29tcGF0X3ZlcnNpb24iOiIxLjAiLCJzdXBwb3J0",
  "ZWRfZGV2aWNlcyI6WyJnbGluZXQsZ2wtbXQzMDBuLXYyIiwiZ2wtbXQzMDBuLXYyIl0sInZlcnNpb24iOnsiZGlzdCI6Ik9w",
  "ZW5XcnQiLCJ2ZXJzaW9uIjoiMjQuMTAuMCIsInJldmlzaW9uIjoicjI4NDI3LTZkZjBlM2QwMmEiLCJ0YXJnZXQiOiJyYW1p",
  "cHMvbXQ3Nng4IiwiYm9hcmQiOiJnbGluZXRfZ2wtbXQzMDBuLXYyIn19CkZXeDApuubfAQAAAAAAAQxzaWduYXR1cmUKRld4",
  "MGJXBVkAAAAAAAAAGg==",
].join("");

describe("an image's metadata", () => {
  const image = withMetadata(noise(5000, UIMAGE_MAGIC), metadataFor("glinet,gl-mt6000"));

  it("is found in what fwtool itself has made, before the signature", () => {
    const finding = readMetadata(Buffer.from(BY_FWTOOL, "base64"));
    assert.ok(finding.kind === "found");
    assert.deepEqual(finding.metadata.devices, ["glinet,gl-mt300n-v2", "gl-mt300n-v2"]);
    assert.equal(finding.metadata.revision, REVISION);
  });

  it("names the new devices where the old list is a warning", () => {
    const document = { supported_devices: ["Config cannot be migrated"], new_supported_devices: ["netgear,r6220"] };
    const finding = readMetadata(withMetadata(Buffer.from("image"), document));
    assert.ok(finding.kind === "found");
    assert.deepEqual(finding.metadata.devices, ["netgear,r6220"]);
  });

  it("is not there in other files, however short", () => {
    for (const length of [0, 1, 16, 5000]) assert.equal(readMetadata(Buffer.alloc(length)).kind, "none");
  });

  it("is broken when any byte of the image changed", () => {
    for (const place of [0, 2500, 4999, image.length - 30]) {
      const damaged = Buffer.from(image);
      damaged.writeUInt8(damaged.readUInt8(place) ^ 1, place);
      const finding = readMetadata(damaged);
      assert.ok(finding.kind === "broken", `byte ${String(place)}`);
      assert.match(finding.why, /checksum is wrong/);
    }
  });

  it("is broken when the beginning is missing, and gone when the end is", () => {
    assert.equal(readMetadata(image.subarray(100)).kind, "broken");
    assert.equal(readMetadata(image.subarray(0, -100)).kind, "none");
  });

  it("is broken when it is no JSON, or names no devices", () => {
    const wrong = [{}, { supported_devices: "all" }].map((document) => readMetadata(withMetadata(image, document)));
    for (const finding of wrong) assert.equal(finding.kind, "broken");
  });
});
