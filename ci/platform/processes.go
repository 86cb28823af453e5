package platform

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Process is a running process.
type Process struct {
	PID, Parent int
	Command     string // arguments joined by blanks
}

// InPod reports whether the process runs in the Kubernetes pod with this uid.
func (p Process) InPod(uid string) bool {
	cgroups, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.PID), "cgroup"))
	return err == nil && (strings.Contains(string(cgroups), uid) || strings.Contains(string(cgroups), strings.ReplaceAll(uid, "-", "_")))
}

// Processes returns every process of this machine that is not a zombie.
func Processes() []Process {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	var out []Process
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		stat, err := os.ReadFile(filepath.Join(dir, "stat"))
		if err != nil {
			continue
		}
		// pid (comm) state ppid …; comm may hold anything.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(fields) < 2 || fields[0] == "Z" {
			continue
		}
		parent, _ := strconv.Atoi(fields[1])
		cmdline, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		out = append(out, Process{PID: pid, Parent: parent, Command: strings.TrimSpace(string(bytes.ReplaceAll(cmdline, []byte{0}, []byte{' '})))})
	}
	return out
}

// Below returns the processes that descend from pid.
func Below(pid int) []Process {
	all := Processes()
	family := map[int]bool{pid: true}
	var out []Process
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			if family[p.Parent] && !family[p.PID] {
				family[p.PID] = true
				out = append(out, p)
				grown = true
			}
		}
	}
	return out
}

// Alive returns those of list that still run.
func Alive(list []Process) []Process {
	now := map[int]string{}
	for _, p := range Processes() {
		now[p.PID] = p.Command
	}
	var out []Process
	for _, p := range list {
		if now[p.PID] == p.Command {
			out = append(out, p)
		}
	}
	return out
}
