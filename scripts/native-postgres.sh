#!/usr/bin/env bash
# A native Postgres with pgvector for tests, on any glibc Linux with apt and dpkg-deb. It is installed in a single folder:
# Debian packages are unpacked there and run with their own dynamic linker and libraries. It does not need root. If run as
# root, the server runs as PGUSER_OS, because Postgres refuses to run as root.
#
#   scripts/native-postgres.sh all      unpack if needed, start, print the connection URL (default)
#   scripts/native-postgres.sh replica  copy the server on port PRIMARY into DATA, start it as its streaming replica on PORT
#   scripts/native-postgres.sh stop     stop the server
#   scripts/native-postgres.sh remove   stop the server and delete the folder
#
#   TEST_DATABASE_URL=$(scripts/native-postgres.sh | tail -1) npx vitest run test/integration
#
# Settings: PGHOME (the folder), DATA (the folder of a second server of the same programs, with its own PORT), PORT, PRIMARY,
# SUITE (the Debian release), PGVER, MIRROR, PGUSER_OS.
set -euo pipefail

PGHOME=${PGHOME:-/var/tmp/native-postgres}
PORT=${PORT:-55432}
SUITE=${SUITE:-trixie}
PGVER=${PGVER:-17}
PGUSER_OS=${PGUSER_OS:-nobody}
MIRROR=${MIRROR:-$(apt-get indextargets --format '$(LABEL)|$(REPO_URI)' | sed -n 's/^Debian|//p' | sed 's,/$,,' | sort -u | head -1)}

root=$PGHOME/root-$SUITE
bin=$root/usr/lib/postgresql/$PGVER/bin
data=${DATA:-$PGHOME/data}
arch=$(dpkg --print-architecture)
case $arch in
  amd64) triplet=x86_64-linux-gnu; linker=$root/usr/lib64/ld-linux-x86-64.so.2 ;;
  arm64) triplet=aarch64-linux-gnu; linker=$root/usr/lib/ld-linux-aarch64.so.1 ;;
  *) echo "no packages known for $arch" >&2; exit 2 ;;
esac

# Runs apt with its own sources and an empty package database, so that it resolves all dependencies.
apt_apart() {
  local apt=$PGHOME/apt
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/etc/apt.conf.d"
  : >"$apt/status"
  local key='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
  echo "deb $key $MIRROR $SUITE main" >"$apt/etc/sources.list"
  cat >"$apt/apt.conf" <<CONF
Dir::State "$apt"; Dir::State::status "$apt/status"; Dir::State::lists "$apt/lists";
Dir::Cache "$apt/cache"; Dir::Etc "$apt/etc"; Dir::Etc::sourcelist "$apt/etc/sources.list"; Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null"; Dir::Etc::preferencesparts "/dev/null";
APT::Install-Recommends "false"; APT::Sandbox::User ""; APT::Architecture "$arch"; APT::Architectures "$arch";
Acquire::Languages "none"; Acquire::Retries "3"; Debug::NoLocking "true";
CONF
  APT_CONFIG=$apt/apt.conf "$@"
}

unpack() {
  [ -e "$root/.complete" ] && return
  mkdir -p "$PGHOME/debs" "$root"
  for dir in bin sbin lib lib64; do
    mkdir -p "$root/usr/$dir"
    [ -e "$root/$dir" ] || ln -s "usr/$dir" "$root/$dir"
  done
  apt_apart apt-get -qq update
  # Of the packages that apt would install, keep the server, the extension and their libraries, without Perl and LLVM.
  apt_apart apt-get -qq install --print-uris "postgresql-$PGVER-pgvector" patchelf | awk '{print $2}' | sed 's/_.*//' |
    grep -E "^(lib|patchelf$|postgresql-$PGVER|postgresql-client-$PGVER$)" |
    grep -vE '^(libllvm|libz3|libclang|libperl|lib.*-perl$|libdb5|libgdbm|libpam-|libc-bin|postgresql-.*-jit$)' |
    sort -u >"$PGHOME/packages"
  # shellcheck disable=SC2046
  (cd "$PGHOME/debs" && apt_apart apt-get -qq download $(cat "$PGHOME/packages"))
  for deb in "$PGHOME"/debs/*.deb; do dpkg-deb -x "$deb" "$root"; done
  # Sets the linker and library path of the programs only. Processes that they start, such as a shell, use the system's.
  local libraries="$root/usr/lib/$triplet:$root/usr/lib"
  cp "$root/usr/bin/patchelf" "$PGHOME/patchelf"
  for program in "$bin"/*; do
    [ "$(head -c4 "$program" | tail -c3)" = ELF ] || continue
    "$linker" --library-path "$libraries" "$PGHOME/patchelf" \
      --set-interpreter "$linker" --force-rpath --set-rpath "$libraries" "$program"
  done
  chmod -R a+rX "$root"
  rm -rf "$PGHOME/debs" "$PGHOME/apt"
  touch "$root/.complete"
}

# Runs a server program as a user other than root, in a folder that this user can access.
as_user() {
  if [ "$(id -u)" = 0 ]; then
    (cd / && setpriv --reuid="$PGUSER_OS" --regid="$(id -g "$PGUSER_OS")" --clear-groups env HOME=/ LC_ALL=C "$@")
  else
    (cd / && env LC_ALL=C "$@")
  fi
}

# The folder of the server's data, with the owner and the mode that Postgres requires.
make_folders() {
  mkdir -p "$PGHOME/run" "$data"
  chmod 700 "$data"
  if [ "$(id -u)" = 0 ]; then chown "$PGUSER_OS" "$data" "$PGHOME/run"; fi
}

start() {
  if [ ! -s "$data/PG_VERSION" ]; then
    make_folders
    as_user "$bin/initdb" -D "$data" -U postgres -A trust --encoding=UTF8 --locale-provider=builtin --locale=C.UTF-8 \
      --no-sync >/dev/null
    cat >>"$data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$PGHOME/run'
shared_buffers = 256MB
maintenance_work_mem = 256MB
jit = off
fsync = off
log_min_messages = warning
CONF
  fi
  as_user "$bin/pg_ctl" -D "$data" status >/dev/null ||
    as_user "$bin/pg_ctl" -D "$data" -o "-p $PORT" -l "$data/server.log" -w -t 60 start >/dev/null
  echo "postgresql://postgres@127.0.0.1:$PORT/postgres"
}

# A copy of the primary's files, which streams its log from there. Settings of the primary are copied, the port is not.
replica() {
  if [ ! -s "$data/PG_VERSION" ]; then
    make_folders
    as_user "$bin/pg_basebackup" -h 127.0.0.1 -p "${PRIMARY:?the port of the primary}" -U postgres -D "$data" \
      --write-recovery-conf --wal-method=stream --checkpoint=fast --no-sync
  fi
  start
}

stop() { as_user "$bin/pg_ctl" -D "$data" -m fast -w stop; }

case ${1:-all} in
  all) unpack; start ;;
  replica) unpack; replica ;;
  stop) stop ;;
  remove) stop || true; rm -rf "$PGHOME" ;;
  *) echo "usage: $0 [all|replica|stop|remove]" >&2; exit 2 ;;
esac
