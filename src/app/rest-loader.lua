-- SPDX-License-Identifier: GPL-2.0-only
-- What the router does without lies beside it, in two files; each becomes part of the program when it is first required.
local PARTS = { "vpnmasq-rest.lua", "vpnmasq-offload.lua" }
local isLoaded = {}
local function loadPart(modules, file)
  local folder = string.match(arg[0], "^.*/") or ""
  local part, positions = assert(loadfile(folder .. file))(require)
  -- Installed, it is a length and packed text; in tests a program.
  if type(part) == "number" then part, positions = UNPACK(positions, part, file, require) end
  SOURCE_POSITIONS[file] = positions
  for name, module in pairs(part) do modules[name] = module end
end
setmetatable(____modules, {
  __index = function(modules, name)
    if not string.find(name, "^src%.") and not string.find(name, "^test%.") then return nil end
    local first = string.find(name, "^src%.forwarding%.offload%.") and 2 or 1
    for _, at in ipairs({ first, 3 - first }) do
      if not isLoaded[at] then
        isLoaded[at] = true
        loadPart(modules, PARTS[at])
        if rawget(modules, name) then return rawget(modules, name) end
      end
    end
  end,
})
