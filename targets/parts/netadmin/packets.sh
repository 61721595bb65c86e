#!/bin/sh
# packets drop CHAIN ADDRESS...  drop everything from and to the addresses, in place of what CHAIN dropped before; what it
#                                dropped of those that it drops still stays counted
# packets restore CHAIN          let it pass again; nothing happens when there is no such chain
# packets count CHAIN            print how many packets CHAIN has dropped
set -eu
what=$1 chain=$2
shift 2

# Some kernels have only one of the two.
tables=iptables
$tables -w 5 -n -L OUTPUT >/dev/null 2>&1 || tables=iptables-legacy

there() { $tables -w 5 -n -L "$chain" >/dev/null 2>&1; }

restore() {
  there || return 0
  for hook in INPUT OUTPUT; do
    while $tables -w 5 -D "$hook" -j "$chain" 2>/dev/null; do :; done
  done
  $tables -w 5 -F "$chain"
  $tables -w 5 -X "$chain"
}

rules() {
  for address in "$@"; do
    echo "-s $address/32 -j DROP"
    echo "-d $address/32 -j DROP"
  done | sort
}

# What changes of a chain that is there, as lines for iptables-restore: one step, and no packet passes in between.
changes() {
  now=$(mktemp) then=$(mktemp)
  $tables -w 5 -S "$chain" | sed -n "s/^-A $chain //p" | sort >"$now"
  rules "$@" >"$then"
  comm -13 "$now" "$then" | sed "s/^/-A $chain /"
  comm -23 "$now" "$then" | sed "s/^/-D $chain /"
  rm -f "$now" "$then"
}

case $what in
  drop)
    {
      echo "*filter"
      if there; then
        changes "$@"
      else
        echo ":$chain - [0:0]"
        rules "$@" | sed "s/^/-A $chain /"
        echo "-I INPUT -j $chain"
        echo "-I OUTPUT -j $chain"
      fi
      echo "COMMIT"
    } | $tables-restore -w 5 --noflush
    ;;
  restore) restore ;;
  count)
    there || { echo 0; exit 0; }
    $tables -w 5 -n -v -x -L "$chain" | awk 'NR > 2 { sum += $1 } END { print sum + 0 }'
    ;;
  *) echo "packets: unknown word '$what'" >&2; exit 2 ;;
esac
