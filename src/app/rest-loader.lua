-- SPDX-License-Identifier: GPL-2.0-only
-- What the router does without lies beside it, and becomes part of the program when it is first required.
setmetatable(____modules, {
  __index = function(modules, name)
    if not string.find(name, "^src%.") and not string.find(name, "^test%.") then return nil end
    setmetatable(modules, nil)
    local folder = string.match(arg[0], "^.*/") or ""
    local rest, positions = assert(loadfile(folder .. "vpnmasq-rest.lua"))(require)
    SOURCE_POSITIONS["vpnmasq-rest.lua"] = positions
    for restName, module in pairs(rest) do modules[restName] = module end
    return modules[name]
  end,
})
