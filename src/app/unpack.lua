-- SPDX-License-Identifier: GPL-2.0-only
-- vpnmasq for LuaJIT, packed (deflate, RFC 1951). It was written in TypeScript; errors name those sources.
local ffi = require("ffi")
local bit = require("bit")
ffi.cdef("void *malloc(size_t); void free(void *);")
local LITERALS, LENGTHS, DISTANCES = 256, 257, 30
local CODE_LENGTHS_MAX = 15
local PIECE_BYTES = 4096
local LENGTH_ORDER = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 }

local file, from, to, at, length, held, heldBits

local function bits(count)
  while heldBits < count do
    held = held + bit.lshift(from[at], heldBits)
    at, heldBits = at + 1, heldBits + 8
  end
  local value = bit.band(held, bit.lshift(1, count) - 1)
  held, heldBits = bit.rshift(held, count), heldBits - count
  return value
end

-- A canonical Huffman code (§3.2.2) of the symbols 0 … count−1, given the lengths of their codes from `first` on.
local function code(lengths, first, count)
  local counts, places, symbols = {}, { 0 }, {}
  for bitLength = 0, CODE_LENGTHS_MAX do counts[bitLength] = 0 end
  for symbol = 0, count - 1 do
    local bitLength = lengths[first + symbol]
    counts[bitLength] = counts[bitLength] + 1
  end
  for bitLength = 1, CODE_LENGTHS_MAX do places[bitLength + 1] = places[bitLength] + counts[bitLength] end
  for symbol = 0, count - 1 do
    local bitLength = lengths[first + symbol]
    if bitLength > 0 then
      symbols[places[bitLength]] = symbol
      places[bitLength] = places[bitLength] + 1
    end
  end
  return { counts = counts, symbols = symbols }
end

local function nextSymbol(huffman)
  local value, first, place = 0, 0, 0
  for bitLength = 1, CODE_LENGTHS_MAX do
    value = value + bits(1)
    local count = huffman.counts[bitLength]
    if value < first + count then return huffman.symbols[place + value - first] end
    place, first, value = place + count, (first + count) * 2, value * 2
  end
  error(file .. " is damaged: install it again", 0)
end

local function fixedCodes()
  local lengths = {}
  for symbol = 0, 287 do
    lengths[symbol] = symbol < 144 and 8 or symbol < 256 and 9 or symbol < 280 and 7 or 8
  end
  for symbol = 288, 287 + DISTANCES do lengths[symbol] = 5 end
  return code(lengths, 0, 288), code(lengths, 288, DISTANCES)
end

local function dynamicCodes()
  local literals, distances, lengthCodes = bits(5) + LENGTHS, bits(5) + 1, bits(4) + 4
  local lengths = {}
  for place = 1, #LENGTH_ORDER do lengths[LENGTH_ORDER[place]] = place <= lengthCodes and bits(3) or 0 end
  local lengthCode = code(lengths, 0, #LENGTH_ORDER)
  local count = 0
  while count < literals + distances do
    local symbol = nextSymbol(lengthCode)
    local value, times = symbol, 1
    if symbol == 16 then value, times = lengths[count - 1], 3 + bits(2)
    elseif symbol == 17 then value, times = 0, 3 + bits(3)
    elseif symbol == 18 then value, times = 0, 11 + bits(7)
    end
    for _ = 1, times do lengths[count], count = value, count + 1 end
  end
  return code(lengths, 0, literals), code(lengths, literals, distances)
end

-- Lengths and distances (§3.2.5) grow by a power of two with every `steps` symbols, and have as many more bits.
local function numberOf(symbol, steps, least)
  if symbol < 2 * steps then return symbol + least end
  local extraBits = math.floor(symbol / steps) - 1
  return (steps + symbol % steps) * 2 ^ extraBits + bits(extraBits) + least
end

local function copyStored()
  held, heldBits = 0, 0
  local count = from[at] + from[at + 1] * 256
  ffi.copy(to + length, from + at + 4, count)
  at, length = at + 4 + count, length + count
end

local function unpackBlock(literalCode, distanceCode)
  local symbol = nextSymbol(literalCode)
  while symbol ~= LITERALS do
    if symbol < LITERALS then
      to[length] = symbol
      length = length + 1
    else
      local count = symbol == 285 and 258 or numberOf(symbol - LENGTHS, 4, 3)
      local distance = numberOf(nextSymbol(distanceCode), 2, 1)
      for place = length, length + count - 1 do to[place] = to[place - distance] end
      length = length + count
    end
    symbol = nextSymbol(literalCode)
  end
end

-- Calls the program of `programLength` bytes, from its packed form; files beside this one are unpacked by it too. What is
-- garbage when the program is compiled lies between its parts afterwards and stays resident for good: so the compiler reads
-- pieces from memory of the system, with nothing else left and the collector busy. Who calls this last holds no copy either.
function UNPACK(packed, programLength, name, ...)
  packed = packed:gsub("~(.)", { r = "\r", t = "~" })
  file, from, to = name, ffi.cast("const uint8_t *", packed), ffi.cast("uint8_t *", ffi.C.malloc(programLength))
  at, length, held, heldBits = 0, 0, 0, 0
  repeat
    local isLast, kind = bits(1) == 1, bits(2)
    if kind == 0 then copyStored()
    elseif kind == 1 then unpackBlock(fixedCodes())
    else unpackBlock(dynamicCodes())
    end
  until isLast
  packed = nil
  jit.flush()
  collectgarbage()
  collectgarbage("setpause", 110)
  length = 0
  local program = load(function()
    at, length = length, math.min(length + PIECE_BYTES, programLength)
    return ffi.string(to + at, length - at)
  end, "@" .. name)
  collectgarbage("setpause", 200)
  ffi.C.free(to)
  return program(...)
end
return UNPACK("@PACKED@", @LENGTH@, "@FILE@", ...)
