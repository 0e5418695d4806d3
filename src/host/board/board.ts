// SPDX-License-Identifier: GPL-2.0-only
// A board as boards/NAME.json describes it. What each key means stands in boards/schema.json; here is its shape.

/** Memory addresses as the boot loader takes them: "0x81000000". */
export type Address = string;

export interface Partition {
  readonly name: string;
  readonly offsetBytes?: number;
  readonly sizeBytes?: number;
  readonly holds: string;
  readonly isPrecious?: boolean;
}

export interface Flash {
  readonly kind: "nor" | "nand" | "emmc" | "disk";
  readonly sizeBytes?: number;
  readonly partitions: readonly Partition[];
}

export type ImageFormat = "uimage" | "tar" | "fit" | "gzip-disk" | "elf";

export interface ImageKind {
  readonly format: ImageFormat;
  readonly fileNameEnd: string;
  readonly isSysupgrade: boolean;
  readonly largestBytes?: number;
  readonly largestBecause?: string;
}

export interface LoaderCommand {
  readonly line: string;
  readonly expect?: string;
  readonly limitSeconds: number;
}

export interface SysupgradeWay {
  readonly way: "sysupgrade";
  readonly image: string;
  readonly address: string;
}

export interface LoaderWay {
  readonly way: "u-boot";
  readonly image: string;
  readonly needs?: string;
  readonly interrupt: { readonly when: string; readonly send: string };
  readonly prompt: string;
  readonly boardAddress: string;
  readonly serverAddress: string;
  readonly loadAddress: Address;
  readonly readBackAddress: Address;
  readonly write: readonly LoaderCommand[];
  readonly readBack: readonly LoaderCommand[];
  readonly loses: string;
}

export interface DiskWay {
  readonly way: "disk";
  readonly image: string;
}

export interface EmulatedWay {
  readonly way: "emulated";
}

export interface HandWay {
  readonly way: "by-hand";
  readonly image: string;
  readonly when: string;
  readonly steps: readonly string[];
}

export type Way = SysupgradeWay | LoaderWay | DiskWay | EmulatedWay | HandWay;

/** Something of the document that was inferred or remembered, not read in a source. */
export interface Unverified {
  readonly of: "flash" | "console" | "images" | Exclude<Way["way"], "emulated">;
  readonly what: string;
}

export interface Board {
  readonly name: string;
  readonly title: string;
  readonly openwrt: {
    readonly target: string;
    readonly subtarget: string;
    readonly profile: string;
    readonly supportedDevices: readonly string[];
  };
  readonly packageArchitecture: string;
  readonly byteOrder: "little" | "big";
  readonly ramBytes: number;
  readonly flash: readonly Flash[];
  readonly console: {
    readonly baud: number;
    readonly volts?: number;
    readonly pins?: string;
    readonly connector: string;
  };
  readonly emulation?: { readonly program: string; readonly machine: string; readonly processor: string };
  readonly images: Readonly<Record<string, ImageKind>>;
  readonly ways: readonly Way[];
  readonly unverified?: readonly Unverified[];
  readonly sources: readonly { readonly of: string; readonly url: string }[];
}
