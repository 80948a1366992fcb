package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Identity names one process for all time: pids come round again, the start time with the boot it counts from does not.
type Identity struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // clock ticks since the boot (proc(5), stat field 22)
	Boot  string `json:"boot"`
}

// errGone says that the process is no more.
var errGone = errors.New("no such process")

// Identify returns the identity of the process that has pid now. A zombie is gone.
func Identify(pid int) (Identity, error) {
	state, _, start, err := stat(pid)
	if err != nil {
		return Identity{}, err
	}
	if state == "Z" || state == "X" {
		return Identity{}, errGone
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Identity{}, fmt.Errorf("read the boot's id: %w", err)
	}
	return Identity{PID: pid, Start: start, Boot: strings.TrimSpace(string(boot))}, nil
}

// Alive says whether exactly this process still runs.
func (i Identity) Alive() bool {
	if i.PID <= 0 {
		return false
	}
	now, err := Identify(i.PID)
	return err == nil && now == i
}

// Signal sends a signal to exactly this process, provided that it belongs to uid (a negative uid: to anybody).
// os.FindProcess holds the process by a descriptor, so a pid that changes hands after the check is not hit.
func (i Identity) Signal(signal syscall.Signal, uid int) error {
	process, err := os.FindProcess(i.PID)
	if err != nil {
		return errGone
	}
	defer func() { _ = process.Release() }()
	if !i.Alive() {
		return errGone
	}
	if owner, err := ownerOf(i.PID); err != nil || (uid >= 0 && owner != uid) {
		return fmt.Errorf("process %d belongs to user %d, not %d", i.PID, owner, uid)
	}
	if err := process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal process %d: %w", i.PID, err)
	}
	return nil
}

// stat reads state, parent and start time of a process. The name in the second field may hold anything, so fields
// are counted from its closing bracket.
func stat(pid int) (state string, parent int, start uint64, err error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0, 0, errGone
	}
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	if len(fields) < 20 {
		return "", 0, 0, fmt.Errorf("read /proc/%d/stat: %d fields", pid, len(fields))
	}
	if parent, err = strconv.Atoi(fields[1]); err != nil {
		return "", 0, 0, fmt.Errorf("read /proc/%d/stat: %w", pid, err)
	}
	if start, err = strconv.ParseUint(fields[19], 10, 64); err != nil {
		return "", 0, 0, fmt.Errorf("read /proc/%d/stat: %w", pid, err)
	}
	return fields[0], parent, start, nil
}

func ownerOf(pid int) (int, error) {
	var info syscall.Stat_t
	if err := syscall.Stat(fmt.Sprintf("/proc/%d", pid), &info); err != nil {
		return -1, errGone
	}
	return int(info.Uid), nil
}

// pids lists every process that the machine shows.
func pids() []int {
	paths, _ := filepath.Glob("/proc/[0-9]*")
	all := make([]int, 0, len(paths))
	for _, path := range paths {
		if pid, err := strconv.Atoi(filepath.Base(path)); err == nil {
			all = append(all, pid)
		}
	}
	return all
}

// descendants returns the living children of a process, theirs, and so on.
func descendants(root int) []Identity {
	children := map[int][]int{}
	for _, pid := range pids() {
		if _, parent, _, err := stat(pid); err == nil {
			children[parent] = append(children[parent], pid)
		}
	}
	var found []Identity
	for queue := children[root]; len(queue) > 0; queue = queue[1:] {
		queue = append(queue, children[queue[0]]...)
		if id, err := Identify(queue[0]); err == nil {
			found = append(found, id)
		}
	}
	return found
}

// marked returns the living processes of uid whose environment holds the entry.
func marked(uid int, entry string) []Identity {
	var found []Identity
	for _, pid := range pids() {
		if owner, err := ownerOf(pid); err != nil || owner != uid || pid == os.Getpid() {
			continue
		}
		environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err != nil || !bytes.Contains(append([]byte{0}, environ...), []byte("\x00"+entry+"\x00")) {
			continue
		}
		if id, err := Identify(pid); err == nil {
			found = append(found, id)
		}
	}
	return found
}
