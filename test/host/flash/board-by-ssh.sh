#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# No board but a stand-in: a real sshd on the board's usual address, in a network of its own and with mounts of its own,
# where OpenWrt's files and its sysupgrade are replaced. The stand-in "installs" by changing the version, and "restarts"
# by dropping the connection and emptying /tmp.
#
# Usage: unshare --net --mount -- sh board-by-ssh.sh FOLDER
# Stays until it is ended; FOLDER/ready appears when the board answers. FOLDER/image and FOLDER/installed get what was
# installed and with which words, FOLDER/log what sshd logs; FOLDER/revision is the version that the board has then, FOLDER/name its name.

set -eu

# The board's side, in mounts of its own: sshd and what it shows.
board() {
  mkdir -p /run/stand-in
  mount --bind "$1" /run/stand-in
  cp -a /etc /run/stand-in/etc
  mount --bind /run/stand-in/etc /etc
  mount -t tmpfs board /tmp
  mount -t tmpfs board /usr/local/sbin
  mkdir -p /run/sshd /tmp/sysinfo
  ln -s /run/stand-in/name /tmp/sysinfo/board_name
  printf "DISTRIB_ID='OpenWrt'\nDISTRIB_REVISION='r1-before'\n" >/etc/openwrt_release
  password=$(perl -e 'print crypt("the board\x27s own", q($6$stand-in$))')
  sed -i "s|^root:[^:]*:|root:$password:|" /etc/shadow
  rm -f /etc/ssh/ssh_host_*
  ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
  cat >/usr/local/sbin/sysupgrade <<'SYSUPGRADE'
#!/bin/sh
echo "sysupgrade: a stand-in for OpenWrt's, for a test"
for image; do :; done
if [ "$1" = -T ]; then
  ! grep -q REFUSED "$image" || { echo "Image check failed."; exit 1; }
  exit 0
fi
cp "$image" /run/stand-in/image
printf '%s\n' "$*" >/run/stand-in/installed
stat -c %Y "$image" >/run/stand-in/age
echo "Commencing upgrade. Closing all shell sessions."
# The restart: the connection breaks, memory is empty, the new system says its version and has new keys.
new=$(cat /run/stand-in/revision)
setsid sh -c "
  sleep 0.2
  kill -9 $PPID
  [ '$1' != -n ] || { rm /etc/ssh/ssh_host_*; ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key; }
  sed -i \"s/REVISION=.*/REVISION='$new'/\" /etc/openwrt_release
  rm -f '$image'
  kill -HUP \$(cat /run/sshd.pid)" >/dev/null 2>&1 &
sleep 5
SYSUPGRADE
  chmod 755 /usr/local/sbin/sysupgrade
  cat >/run/sshd.conf <<'CONFIG'
PermitRootLogin yes
PidFile /run/sshd.pid
PasswordAuthentication yes
UsePAM no
CONFIG
  exec /usr/sbin/sshd -D -E /run/stand-in/log -f /run/sshd.conf
}

if [ "$1" = --board ]; then
  board "$2"
fi

folder=$1
ip link set lo up
ip address add 192.168.1.1/24 dev lo
mount -t tmpfs board /run
# ssh and sshd look up root's home, and must not touch the real one: the checkout may lie in it too.
home=/run/home
mkdir -m 700 "$home" "$home/.ssh"
sed "s|^\(root:.*:\)[^:]*:\([^:]*\)\$|\1$home:\2|" /etc/passwd >/run/passwd
mount --bind /run/passwd /etc/passwd
ssh-keygen -q -t ed25519 -N '' -f "$home/.ssh/id_ed25519"
cp "$home/.ssh/id_ed25519.pub" "$home/.ssh/authorized_keys"
unshare --mount -- sh "$0" --board "$folder" &
server=$!
trap 'kill $server; exit' EXIT TERM
until ssh-keyscan -T 1 192.168.1.1 2>/dev/null | grep -q .; do sleep 0.1; done
touch "$folder/ready"
wait
