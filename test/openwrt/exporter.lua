-- SPDX-License-Identifier: GPL-2.0-only
-- A stand-in for prometheus-node-exporter-lua: loads one collector as that does, and prints what it says.
-- `output` and `metric` are what the exporter gives to its collectors; label values are written as they are.

function output(line)
  print(line)
end

function metric(name, kind, labels, value)
  output("# TYPE " .. name .. " " .. kind)
  local function add(its, amount)
    local parts = {}
    for label, text in pairs(its or {}) do parts[#parts + 1] = string.format('%s="%s"', label, text) end
    local list = #parts == 0 and "" or "{" .. table.concat(parts, ",") .. "}"
    output(name .. list .. " " .. amount)
  end
  if value then add(labels, value) end
  return add
end

dofile(arg[1]).scrape()
