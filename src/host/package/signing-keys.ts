// SPDX-License-Identifier: GPL-2.0-only
// The two keys that vouch for a feed, in the files where OpenWrt's own build has them.
//
// opkg trusts an Ed25519 key in the form of usign (and OpenBSD's signify), apk an ECDSA key on P-256 in PEM.

import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { Refusal } from "../refusal.js";

const FILES = {
  usignSecret: "key-build",
  usignPublic: "key-build.pub",
  ecdsaSecret: "private-key.pem",
  ecdsaPublic: "public-key.pem",
} as const;

/** As usign lays it out: algorithm, key derivation (none), its rounds (0), salt, checksum, name, seed and public key. */
const USIGN_SECRET = { checksum: 24, name: 32, seed: 40, end: 104 } as const;
const USIGN_ALGORITHM = "Ed";
const USIGN_DERIVATION = "BK";
const NAME_BYTES = 8;
const SEED_BYTES = 32;
/** What stands before an Ed25519 seed in PKCS #8 (RFC 8410). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

export interface UsignKey {
  /** Chosen by chance, to find the right one of many. */
  readonly name: Buffer;
  readonly key: KeyObject;
}

export interface SigningKeys {
  readonly usign: UsignKey;
  readonly ecdsa: KeyObject;
}

function keyText(file: string): string {
  if (fs.existsSync(file)) return fs.readFileSync(file, "utf8");
  throw new Refusal(`${file} is missing. npm run package -- --make-keys KEYDIR makes a folder with all keys.`);
}

/** The second line of a file of usign. */
function usignContent(file: string): Buffer {
  const [, line = ""] = keyText(file).split("\n");
  return Buffer.from(line, "base64");
}

export function usignText(comment: string, content: Buffer): string {
  return `untrusted comment: ${comment}\n${content.toString("base64")}\n`;
}

function readUsignKey(file: string): UsignKey {
  const content = usignContent(file);
  if (content.length !== USIGN_SECRET.end || content.toString("latin1", 0, 2) !== USIGN_ALGORITHM) {
    throw new Refusal(
      `${file} is no secret key of usign; usign -G -s ${FILES.usignSecret} -p ${FILES.usignPublic} makes one`,
    );
  }
  const seed = content.subarray(USIGN_SECRET.seed, USIGN_SECRET.seed + SEED_BYTES);
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
  return { name: content.subarray(USIGN_SECRET.name, USIGN_SECRET.name + NAME_BYTES), key };
}

function readEcdsaKey(file: string): KeyObject {
  const key = createPrivateKey(keyText(file));
  if (key.asymmetricKeyDetails?.namedCurve !== "prime256v1") {
    throw new Refusal(`${file} is no key on P-256; openssl ecparam -name prime256v1 -genkey -noout makes one`);
  }
  return key;
}

/** @throws Refusal where a key is missing, or of another kind */
export function readSigningKeys(folder: string): SigningKeys {
  return {
    usign: readUsignKey(path.join(folder, FILES.usignSecret)),
    ecdsa: readEcdsaKey(path.join(folder, FILES.ecdsaSecret)),
  };
}

function writeUsignPair(folder: string): void {
  const { privateKey } = generateKeyPairSync("ed25519");
  const seed = privateKey.export({ format: "der", type: "pkcs8" }).subarray(-SEED_BYTES);
  const publicBytes = createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32);
  const name = randomBytes(NAME_BYTES);
  const both = Buffer.concat([seed, publicBytes]);
  const head = Buffer.alloc(USIGN_SECRET.checksum);
  head.write(USIGN_ALGORITHM + USIGN_DERIVATION);
  const checksum = createHash("sha512").update(both).digest().subarray(0, 8);
  const secret = Buffer.concat([head, checksum, name, both]);
  const shown = name.toString("hex");
  const write = (file: string, text: string, mode: number): void => {
    fs.writeFileSync(path.join(folder, file), text, { mode, flag: "wx" });
  };
  write(FILES.usignSecret, usignText(`private key ${shown}`, secret), 0o600);
  const published = Buffer.concat([Buffer.from(USIGN_ALGORITHM), name, publicBytes]);
  write(FILES.usignPublic, usignText(`public key ${shown}`, published), 0o644);
}

/** Makes both pairs. @throws Refusal where there is a key: a lost one makes every router refuse the next feed */
export function makeSigningKeys(folder: string): void {
  const there = Object.values(FILES).filter((file) => fs.existsSync(path.join(folder, file)));
  if (there.length > 0) throw new Refusal(`${folder} has ${there.join(", ")} already. Nothing was changed.`);
  fs.mkdirSync(folder, { recursive: true });
  writeUsignPair(folder);
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const secret = privateKey.export({ format: "pem", type: "pkcs8" });
  fs.writeFileSync(path.join(folder, FILES.ecdsaSecret), secret, { mode: 0o600, flag: "wx" });
  fs.writeFileSync(path.join(folder, FILES.ecdsaPublic), publicKey.export({ format: "pem", type: "spki" }), {
    flag: "wx",
  });
}
