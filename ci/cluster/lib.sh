# Names and helpers that the scripts in this folder share; sourced, not run.
cluster=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$cluster/../.." && pwd)
source "$cluster/versions.sh"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/understudy
built=$cache/cluster/$kubernetes-$(sha256sum "$cluster/versions.sh" | cut -c1-8)
bin=$built/bin       # programs, kept
images=$built/images # the images that the cluster itself runs, kept
state=$root/.cache/cluster
netns=understudy-e2e
node=understudy
address=10.200.0.2
dns=10.96.0.10
cgroup=understudy-e2e

say() { echo "cluster: $*"; }
die() {
  echo "cluster: $*" >&2
  exit 1
}

# node_pid prints the pid of the node (its process 1) if it lives. The time at
# which it began tells it from another process with a number used again.
node_pid() {
  local pid began
  read -r pid began 2>/dev/null <"$state/node.pid" || return 1
  [ "$(cut -d' ' -f22 "/proc/$pid/stat" 2>/dev/null)" = "$began" ] && echo "$pid"
}

# cgroups prints the node's own control groups: one in each hierarchy.
cgroups() {
  if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then
    echo "/sys/fs/cgroup/$cgroup"
  else
    awk -v name="$cgroup" '$3 ~ /^cgroup2?$/ { print $2 "/" name }' /proc/mounts
  fi
}

# in_netns runs a command in the cluster's network.
in_netns() { nsenter --net="/run/netns/$netns" -- "$@"; }
