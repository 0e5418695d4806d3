// SPDX-License-Identifier: GPL-2.0-only
// Finds the record that has a key: a cuckoo table with four slots a bucket and two buckets a key.
//
// A Lua table needs one 64-bit key, and ours (client, SPI, server) is wider; nested tables cost a lookup a level and
// 40 bytes a key. Here a slot is one word: a part of the key's hash (the tag) above the record's number, so that a
// lookup reads two cache lines of slots and one record. The number takes as few bits as it can and the tag all others:
// 19 for 4096 records, so that a look-up of a packet never meets two slots with its tag. The eight comparisons are written out because a loop in the
// per-packet path stops LuaJIT from compiling the packet's trace. The second bucket follows from the first and the tag
// (Fan et al., "Cuckoo Filter", CoNEXT 2014), so an entry can move without its key.
//
// Several records may have the same key: that is how a collision (one SPI, two owners) is kept.

import { allocateWords, type Words } from "./memory";

/** What {@link KeyIndex.find} answers when no record has the key. */
export const NO_RECORD = -1;

const SLOTS_PER_BUCKET = 4;
/** Four-way buckets fill to 97 % before an insertion fails; below this share one almost never does. */
const FULL_LOAD = 0.9;
/** Moves tried before an insertion is given up. Two hundred are enough at the load above; a bound keeps it short. */
const MOVES_MAX = 250;
const WORD_BITS = 32;
/** Of a record's number, counted from 1. Eleven bits are left for the tag, which the second bucket depends on. */
const RECORD_BITS_MAX = 21;
/** The fractional parts of its multiples are the most even spread there is (Knuth, TAOCP 6.4). */
const GOLDEN_RATIO = 0.6180339887498949;

/** Records a {@link KeyIndex} can number: what is left of a slot beside its tag. */
export const RECORDS_MAX = (1 << RECORD_BITS_MAX) - 1;

/**
 * Mixes three words into one, each bit depending on every bit of the key and the seed.
 * The final mixing of Bob Jenkins' lookup3 (public domain): additions, exclusive ors and rotations of words only. Sums
 * are left wider than a word: the next operation on bits cuts them.
 */
function hash(seed: number, first: number, second: number, third: number): number {
  let a = first ^ seed;
  let b = second + seed;
  let c = third;
  c = (c ^ b) - ((b << 14) | (b >>> 18));
  a = (a ^ c) - ((c << 11) | (c >>> 21));
  b = (b ^ a) - ((a << 25) | (a >>> 7));
  c = (c ^ b) - ((b << 16) | (b >>> 16));
  a = (a ^ c) - ((c << 4) | (c >>> 28));
  b = (b ^ a) - ((a << 14) | (a >>> 18));
  return (c ^ b) - ((b << 24) | (b >>> 8));
}

/** Bits that hold the numbers up to `highest`. */
function bitsFor(highest: number): number {
  let bits = 1;
  while (1 << bits <= highest) bits += 1;
  return bits;
}

/** Which words of a record make up its key. A shorter key names its last word again. */
export interface KeyWords {
  first: number;
  second: number;
  third: number;
}

/** Higher than any record's number, and all ones below the sign. */
const NONE_FOLLOWS = 0x7fffffff;

export class KeyIndex {
  private readonly slots: Words;
  private readonly buckets: number;
  private readonly bucketsPerHash: number;
  /** The low bits of a slot are the record's number, counted from 1; above them begins the tag. */
  private readonly recordMask: number;
  private readonly tagShift: number;
  /** The bits of a tag that was shifted down. */
  private readonly tagMask: number;
  /** Which slot of a full bucket is moved next; turning it makes two insertions take different paths. */
  private turn = 0;

  /**
   * @param records the rows that hold the keys; not owned
   * @param wordsPerRecord the rows' length in words
   * @param key the words of a row that are its key
   * @param capacity records that must fit, at most {@link RECORDS_MAX}
   * @param seed unknown to the network, so that nobody can choose keys that fall into one bucket
   */
  constructor(
    private readonly records: Words,
    private readonly wordsPerRecord: number,
    private readonly key: KeyWords,
    private readonly capacity: number,
    private readonly seed: number,
  ) {
    this.buckets = Math.ceil(capacity / FULL_LOAD / SLOTS_PER_BUCKET) + 1;
    this.bucketsPerHash = this.buckets / 0x80000000;
    this.slots = allocateWords(this.buckets * SLOTS_PER_BUCKET);
    this.tagShift = bitsFor(capacity);
    this.recordMask = (1 << this.tagShift) - 1;
    this.tagMask = (1 << (WORD_BITS - this.tagShift)) - 1;
  }

  /** A record whose key is these three words, or {@link NO_RECORD}. */
  find(first: number, second: number, third: number): number {
    const match = this.match(first, second, third);
    if (match > 0) return match - 1;
    if (match === 0) return NO_RECORD;
    return this.findOther(first, second, third, NO_RECORD);
  }

  /**
   * The number, counted from 1, of the record that has the key; 0 when no slot has its tag; negative when some slots
   * have its tag and the slow search must decide.
   *
   * Branches that depend on data make LuaJIT compile a trace for every pattern of slots, hundreds of them; so all
   * eight slots are read and those whose tag matches are united by masks. One match, the usual case, is the entry
   * itself; two give a number that may be of no record at all, so it is checked, and whether the record has the key.
   */
  private match(first: number, second: number, third: number): number {
    const hashed = hash(this.seed, first, second, third);
    const tagShift = this.tagShift;
    const tagMask = this.tagMask;
    const bucket = this.bucketOf(hashed);
    const slots = this.slots;
    const near = bucket * SLOTS_PER_BUCKET;
    const far = this.otherBucket(bucket, hashed) * SLOTS_PER_BUCKET;
    const united =
      (slots[near] & (((((slots[near] ^ hashed) >> tagShift) & tagMask) - 1) >> 31)) |
      (slots[near + 1] & (((((slots[near + 1] ^ hashed) >> tagShift) & tagMask) - 1) >> 31)) |
      (slots[near + 2] & (((((slots[near + 2] ^ hashed) >> tagShift) & tagMask) - 1) >> 31)) |
      (slots[near + 3] & (((((slots[near + 3] ^ hashed) >> tagShift) & tagMask) - 1) >> 31)) |
      (slots[far] & (((((slots[far] ^ hashed) >> tagShift) & tagMask) - 1) >> 31)) |
      (slots[far + 1] & (((((slots[far + 1] ^ hashed) >> tagShift) & tagMask) - 1) >> 31)) |
      (slots[far + 2] & (((((slots[far + 2] ^ hashed) >> tagShift) & tagMask) - 1) >> 31)) |
      (slots[far + 3] & (((((slots[far + 3] ^ hashed) >> tagShift) & tagMask) - 1) >> 31));
    const number = united & this.recordMask;
    const some = (0 - number) >> 31;
    const outside = (this.capacity - number) >> 31;
    const difference = this.difference((number - 1) & some & ~outside, first, second, third);
    const doubtful = (outside | ((difference | (0 - difference)) >> 31)) & some;
    return number | (doubtful << 31);
  }

  /**
   * The next record with this key after `previous`: from {@link NO_RECORD} on, visits all that share a key. Without branches,
   * as {@link match}: copies to owners call it for every packet, and its patterns made a seventh of all traces then.
   */
  findOther(first: number, second: number, third: number, previous: number): number {
    const hashed = hash(this.seed, first, second, third);
    const bucket = this.bucketOf(hashed);
    const slots = this.slots;
    const near = bucket * SLOTS_PER_BUCKET;
    const far = this.otherBucket(bucket, hashed) * SLOTS_PER_BUCKET;
    let lowest = NONE_FOLLOWS;
    for (const slot of $range(0, SLOTS_PER_BUCKET - 1)) {
      lowest = Math.min(
        lowest,
        this.following(slots[near + slot], hashed, first, second, third, previous),
        this.following(slots[far + slot], hashed, first, second, third, previous),
      );
    }
    return lowest === NONE_FOLLOWS ? NO_RECORD : lowest;
  }

  /** The entry's record if it has the key and comes after `previous`, else a number that is higher than any record's. */
  private following(
    entry: number,
    hashed: number,
    first: number,
    second: number,
    third: number,
    previous: number,
  ): number {
    const record = (entry & this.recordMask) - 1;
    const row = record & ~(record >> 31);
    const difference = ((entry ^ hashed) & ~this.recordMask) | this.difference(row, first, second, third);
    const isOther = (difference | (0 - difference)) >> 31;
    const isBefore = (record - previous - 1) >> 31;
    return row | ((isOther | isBefore) & NONE_FOLLOWS);
  }

  /** Makes `record` findable under the key it holds now. False when no room could be made; nothing is changed then. */
  insert(record: number): boolean {
    const hashed = this.hashOf(record);
    const bucket = this.bucketOf(hashed);
    const entry = this.entryOf(hashed, record);
    if (this.place(bucket, entry) || this.place(this.otherBucket(bucket, entry), entry)) return true;
    return this.makeRoom(bucket, entry);
  }

  /** Takes `record` out; its key must still be the one it was inserted with. False when it was not there. */
  remove(record: number): boolean {
    const hashed = this.hashOf(record);
    const bucket = this.bucketOf(hashed);
    const entry = this.entryOf(hashed, record);
    return this.clear(bucket, entry) || this.clear(this.otherBucket(bucket, entry), entry);
  }

  /** Bytes of memory held, for the figures. */
  memoryBytes(): number {
    return this.buckets * SLOTS_PER_BUCKET * 4;
  }

  private hashOf(record: number): number {
    const row = record * this.wordsPerRecord;
    const key = this.key;
    return hash(
      this.seed,
      this.records[row + key.first],
      this.records[row + key.second],
      this.records[row + key.third],
    );
  }

  /** The tag is the hash's high end. */
  private entryOf(hashed: number, record: number): number {
    return (hashed & ~this.recordMask) | (record + 1);
  }

  /** @param tagged an entry, or the hash that its tag is of */
  private tagOf(tagged: number): number {
    return (tagged >> this.tagShift) & this.tagMask;
  }

  /** Rotated, the hash's low end decides the bucket, so that tag and bucket are independent. */
  private bucketOf(hashed: number): number {
    const rotated = (hashed << (WORD_BITS - this.tagShift)) | this.tagOf(hashed);
    return Math.floor((rotated >>> 1) * this.bucketsPerHash);
  }

  /**
   * The one other bucket of an entry: its own inverse, since first + other is the same for each tag.
   * @param tagged as for {@link tagOf}
   */
  private otherBucket(bucket: number, tagged: number): number {
    const turned = this.tagOf(tagged) * GOLDEN_RATIO;
    const other = Math.floor((turned - Math.floor(turned)) * this.buckets) - bucket;
    return other + (this.buckets & (other >> 31));
  }

  /** 0 when the record has the key. */
  private difference(record: number, first: number, second: number, third: number): number {
    const row = record * this.wordsPerRecord;
    const records = this.records;
    const key = this.key;
    return (
      (records[row + key.first] ^ first) | (records[row + key.second] ^ second) | (records[row + key.third] ^ third)
    );
  }

  private place(bucket: number, entry: number): boolean {
    const first = bucket * SLOTS_PER_BUCKET;
    for (const at of $range(first, first + SLOTS_PER_BUCKET - 1)) {
      if (this.slots[at] === 0) {
        this.slots[at] = entry;
        return true;
      }
    }
    return false;
  }

  private clear(bucket: number, entry: number): boolean {
    const first = bucket * SLOTS_PER_BUCKET;
    for (const at of $range(first, first + SLOTS_PER_BUCKET - 1)) {
      if (this.slots[at] === entry) {
        this.slots[at] = 0;
        return true;
      }
    }
    return false;
  }

  /** Moves entries to their other buckets until one finds a free slot; when none does, moves all of them back. */
  private makeRoom(bucket: number, entry: number): boolean {
    const path: number[] = [];
    let moving = entry;
    let target = bucket;
    for (const _ of $range(1, MOVES_MAX)) {
      const at = target * SLOTS_PER_BUCKET + (this.turn & (SLOTS_PER_BUCKET - 1));
      this.turn = (this.turn + 1) & 0xff;
      const evicted = this.slots[at];
      this.slots[at] = moving;
      path.push(at);
      moving = evicted;
      target = this.otherBucket(target, moving);
      if (this.place(target, moving)) return true;
    }
    for (const step of $range(path.length - 1, 0, -1)) {
      const displaced = this.slots[path[step]];
      this.slots[path[step]] = moving;
      moving = displaced;
    }
    return false;
  }
}
