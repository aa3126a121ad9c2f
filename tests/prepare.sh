#!/usr/bin/env bash
# Installs and starts, on a machine of its own (root, Debian), what the whole check talks to.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

# command:package pairs
need=(chromium:chromium mariadbd:mariadb-server redis-server:redis-server buildah:buildah podman:podman runc:runc debootstrap:debootstrap)
packages=()
for pair in "${need[@]}"; do
  command -v "${pair%%:*}" >/dev/null || packages+=("${pair##*:}")
done
if ((${#packages[@]})); then
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${packages[@]}" fonts-dejavu-core >/dev/null
fi

answers() { python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)' "$1" 2>/dev/null; }
await() {
  for _ in $(seq 100); do
    answers "$1" && return
    sleep 0.2
  done
  echo "nothing answers on port $1" >&2
  return 1
}

if ! answers 6379; then
  redis-server --daemonize yes --bind 127.0.0.1 --port 6379 --save "" --appendonly no >/dev/null
  await 6379
fi
if ! answers 3306; then
  mkdir -p /run/mysqld && chown mysql: /run/mysqld
  [[ -d /var/lib/mysql/mysql ]] || mariadb-install-db --user=mysql >/dev/null
  start-stop-daemon --start --oknodo --background --exec "$(command -v mariadbd)" -- --user=mysql
  await 3306
  mariadb -uroot -e "ALTER USER root@localhost IDENTIFIED BY ''" # the socket's owner may; 127.0.0.1 then may too
fi
