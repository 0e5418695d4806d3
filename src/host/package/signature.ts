// SPDX-License-Identifier: GPL-2.0-only
// Signatures of a feed's indexes: for opkg a file beside `Packages`, for apk a block in packages.adb.
//
// Both are the same bytes for the same content: Ed25519 is so by itself, ECDSA with RFC 6979, which node:crypto has not.

import { p256 } from "@noble/curves/nist.js";
import { createHash, createPublicKey, type KeyObject, sign } from "node:crypto";
import type { Schema } from "./adb-file.js";
import { type UsignKey, usignText } from "./signing-keys.js";

/** The text of `Packages.sig`. */
export function usignSignature({ name, key }: UsignKey, content: Buffer): string {
  const signature = sign(null, content, key);
  return usignText(`signed by key ${name.toString("hex")}`, Buffer.concat([Buffer.from("Ed"), name, signature]));
}

/** apk-tools, src/adb.h: version 0 of signatures, and SHA-512 among apk's digests. */
const SIGNATURE_HEAD = Buffer.from([0, 4]);
/** A key is found by the first bytes of its public point's SHA-512. */
const KEY_ID_BYTES = 16;
/** An uncompressed point of P-256 is the end of its SubjectPublicKeyInfo. */
const POINT_BYTES = 65;

function sha512(...parts: readonly Buffer[]): Buffer {
  const hash = createHash("sha512");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** The number that a key on P-256 keeps secret. */
function secretOf(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: "jwk" }).d ?? "", "base64url");
}

/** The content of a signature block for a database of apk. */
export function adbSignature(key: KeyObject, schema: Schema, database: Buffer): Buffer {
  const point = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-POINT_BYTES);
  const head = Buffer.concat([SIGNATURE_HEAD, sha512(point).subarray(0, KEY_ID_BYTES)]);
  const digest = sha512(Buffer.from(schema), head, sha512(database));
  // apk verifies with OpenSSL, which takes either half of the curve for s: low ones only are Bitcoin's rule.
  const signature = p256.sign(digest, secretOf(key), { prehash: false, lowS: false, format: "der" });
  return Buffer.concat([head, signature]);
}
