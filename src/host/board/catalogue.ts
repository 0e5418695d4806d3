// SPDX-License-Identifier: GPL-2.0-only
// The boards that there are: read from boards/, checked against boards/schema.json and for what a schema cannot say.

import { Ajv, type ErrorObject } from "ajv";
import fs from "node:fs";
import path from "node:path";
import { nearestName } from "../nearest-name.js";
import { Refusal } from "../refusal.js";
import type { Board, Partition } from "./board.js";

const FOLDER = path.resolve(import.meta.dirname, "../../../../../boards");
const SCHEMA = "schema.json";
/** Patterns of the documents are tried when the document is read, not when a board is being flashed. */
const FORMATS = { regex: isPattern };

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

function readDocument(file: string): unknown {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8"));
  } catch (problem) {
    throw new Refusal(`${file} cannot be read: ${(problem as Error).message}`);
  }
}

function problemText({ instancePath, message = "", params }: ErrorObject): string {
  const key = (params as { additionalProperty?: string }).additionalProperty;
  const values = (params as { allowedValues?: unknown[]; allowedValue?: unknown }).allowedValues;
  const detail = key !== undefined ? ` ("${key}")` : values !== undefined ? ` (${values.join(", ")})` : "";
  return `${instancePath === "" ? "the document" : instancePath} ${message}${detail}`;
}

/** Partitions of one flash that lie over one another or beyond its end. */
function layoutProblems(partitions: readonly Partition[], flashBytes: number): string[] {
  const placed = partitions
    .filter((partition) => partition.offsetBytes !== undefined)
    .map(({ name, offsetBytes = 0, sizeBytes = 0 }) => ({ name, begin: offsetBytes, end: offsetBytes + sizeBytes }))
    .sort((one, other) => one.begin - other.begin);
  return placed.flatMap(({ name, end }, index) => {
    const next = placed[index + 1];
    if (next !== undefined && end > next.begin) return [`partition ${name} reaches into ${next.name}`];
    return end > flashBytes ? [`partition ${name} ends beyond the flash`] : [];
  });
}

/** What is wrong with a board although it fits the schema. */
function meaningProblems(board: Board, name: string): string[] {
  const images = Object.keys(board.images);
  const unknownImages = board.ways
    .flatMap((way) => ("image" in way ? [way.image] : []))
    .filter((image) => !images.includes(image))
    .map((image) => `a way uses the image "${image}", and images has ${images.join(", ")}`);
  const layout = board.flash.flatMap(({ partitions, sizeBytes = Infinity }) => layoutProblems(partitions, sizeBytes));
  const misnamed = board.name === name ? [] : [`its name is "${board.name}", its file's "${name}"`];
  return [...misnamed, ...unknownImages, ...layout];
}

/**
 * A document as a board.
 *
 * @param name the file's, without .json
 * @throws Refusal that says all that is wrong with it
 */
export function boardOf(document: unknown, name: string): Board {
  const ajv = new Ajv({ allErrors: true, strictTypes: false, formats: FORMATS });
  const isBoard = ajv.compile<Board>(readDocument(path.join(FOLDER, SCHEMA)) as object);
  const problems = isBoard(document) ? meaningProblems(document, name) : (isBoard.errors ?? []).map(problemText);
  if (problems.length > 0) throw new Refusal(`boards/${name}.json is wrong:\n  ${problems.join("\n  ")}`);
  return document as Board;
}

/** The names of all boards, sorted. */
export function boardNames(): string[] {
  return fs
    .readdirSync(FOLDER)
    .filter((file) => file.endsWith(".json") && file !== SCHEMA)
    .map((file) => path.basename(file, ".json"))
    .sort();
}

/** @throws Refusal when there is no such board, with the nearest name and all that there are */
export function readBoard(name: string): Board {
  const names = boardNames();
  if (!names.includes(name)) {
    const nearest = nearestName(name, names);
    const hint = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
    throw new Refusal(`There is no board "${name}".${hint}\nThere are: ${names.join(", ")}.\nNothing was done.`);
  }
  return boardOf(readDocument(path.join(FOLDER, `${name}.json`)), name);
}

export function allBoards(): Board[] {
  return boardNames().map(readBoard);
}
