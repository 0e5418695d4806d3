# SPDX-License-Identifier: GPL-2.0-only
# U-Boot's script on the boot partitions: which of the two slots is started, and what when that fails.
#
# The boot state lies in the partition "state" twice, 512 KiB apart, each copy one sector in U-Boot's environment format
# with its checksum: the copy that is older is the one that is written, so a power cut costs at most the latest change.
#   active       the slot to start, a or b
#   trial        1 after an upgrade, until the slot has confirmed itself (board-slot confirm)
#   tries        starts of a slot on trial
#   rolled_back  1 when a slot on trial was given up
#   sequence     counts the writes, in hexadecimal; its last bit says which copy it is
# With board_mode set to "flash" the script only defines its commands and reads the state: for src/host/flash.

setenv board_tries_max 3
setenv board_buffer 0x42000000
# The FIT with everything in it; a slot is at most 0x1800000 long. Below it lies the unpacked kernel, above it the log.
setenv board_fit 0x42200000
# Linux' last words survive a reset here, and a mark by which a reset is told from a power cut: U-Boot uses only the last
# 17 MiB, and Linux is told to keep off.
setenv board_log 0x43b00000
setenv board_log_size 0xf0000
setenv board_mark 0x43bf0000
setenv board_kept_size 0x100000
setenv board_start 'if itest.l *${board_mark} == 0x76706e6d; then setenv board_power kept; else setenv board_power fresh; fi; mw.l ${board_mark} 0x76706e6d'

setenv state_at 'part start virtio 0 state state_start; setexpr state_block ${state_start} + ${state_offset}'
setenv state_look 'run state_at; virtio read ${board_buffer} ${state_block} 1; setenv sequence; if env import -c ${board_buffer} 200 sequence; then if itest 0x${sequence} -ge 0x${state_newest}; then setenv state_newest ${sequence}; setenv state_found ${state_block}; fi; fi'
setenv state_load 'setenv active a; setenv trial 0; setenv tries 0; setenv rolled_back 0; setenv state_newest 0; setenv state_found; setenv state_offset 0; run state_look; setenv state_offset 400; run state_look; if test -n "${state_found}"; then virtio read ${board_buffer} ${state_found} 1; env import -c ${board_buffer} 200 active trial tries rolled_back; fi; setenv sequence ${state_newest}'
setenv state_save 'setexpr sequence ${sequence} + 1; setexpr state_odd ${sequence} "&" 1; setenv state_offset 0; if test ${state_odd} = 1; then setenv state_offset 400; fi; run state_at; env export -c -s 200 ${board_buffer} active trial tries rolled_back sequence; virtio write ${board_buffer} ${state_block} 1'
setenv state_swap 'if test ${active} = a; then setenv active b; else setenv active a; fi'

# The log's memory is kept out of Linux' own, which hands it to ramoops by the same numbers. kpti=off: the Cortex-A53 cannot be
# made to read the kernel's pages ahead of time (Meltdown), and to change page tables at every call costs a tenth of the start.
# cryptomgr.notests: nobody on the board uses the kernel's ciphers.
setenv board_arguments 'setenv bootargs console=ttyAMA0 quiet loglevel=4 panic=3 cma=0 kpti=off cryptomgr.notests board.slot=${active} board.power=${board_power} ramoops.mem_address=${board_log} ramoops.mem_size=${board_log_size}'
setenv slot_read 'part start virtio 0 slot-${active} slot_start; part size virtio 0 slot-${active} slot_size; virtio read ${board_fit} ${slot_start} ${slot_size}'
# iminfo compares every hash in the image; bootm need not do so again.
# After a reset the emulator still has what it translated of the kernel before, and drops that store by store while the next one
# is unpacked over it: 10 s and more. What the disk writes there drops it at once; what is read does not matter.
setenv kernel_clear 'virtio read 0x40200000 ${slot_start} c000; virtio read 0x40a00000 ${slot_start} c000'
setenv slot_start_linux 'run slot_read; if iminfo ${board_fit}; then if test ${board_power} = kept; then run kernel_clear; fi; run board_arguments; fdt addr ${fdtcontroladdr}; fdt resize; fdt rsvmem add ${board_log} ${board_kept_size}; setenv verify no; bootm ${board_fit}#board ${board_fit}#board ${fdtcontroladdr}; else echo "board: slot-${active} holds no whole image"; fi'

run state_load
run board_start

if test "${board_mode}" = flash; then
  echo "board: slot-${active} is active"
else
  if test ${trial} = 1; then
    if test ${tries} -ge ${board_tries_max}; then
      echo "board: slot-${active} did not confirm itself in ${tries} starts: rolling back"
      run state_swap
      setenv trial 0
      setenv rolled_back 1
    else
      setexpr tries ${tries} + 1
    fi
    run state_save
  fi
  echo "board: starting slot-${active}"
  run slot_start_linux
  run state_swap
  echo "board: starting slot-${active} instead"
  run slot_start_linux
  echo "board: neither slot holds a whole image; flash one"
fi
