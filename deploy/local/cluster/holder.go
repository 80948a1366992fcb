package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// holder describes the process that listens on a port, as far as this user may see it.
func holder(number int) string {
	sockets := listening(number)
	if len(sockets) == 0 {
		return "another process"
	}
	for _, pid := range pids() {
		links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		for _, link := range links {
			target, err := os.Readlink(link)
			if err != nil || !sockets[target] {
				continue
			}
			return fmt.Sprintf("%s (pid %d)", nameOf(pid), pid)
		}
	}
	return "a process of another user"
}

func nameOf(pid int) string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return "a process"
	}
	return strings.TrimSpace(string(raw))
}

// listening returns the sockets in state LISTEN on a port, as links in /proc/<pid>/fd name them.
func listening(number int) map[string]bool {
	found := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		raw, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for _, inode := range inodes(string(raw), number) {
			found["socket:["+inode+"]"] = true
		}
	}
	return found
}

// inodes reads a table of /proc/net/tcp's form: local address in field 1 (hexadecimal, address:port), state in
// field 3 (0A is LISTEN), inode in field 9.
func inodes(table string, number int) []string {
	var found []string
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 10 || fields[3] != "0A" {
			continue
		}
		_, port, ok := strings.Cut(fields[1], ":")
		if local, err := strconv.ParseUint(port, 16, 16); ok && err == nil && int(local) == number {
			found = append(found, fields[9])
		}
	}
	return found
}
