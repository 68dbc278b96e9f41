package clickhouse

import (
	"syscall"
	"unsafe"
)

// reset are the signals whose handlers libchdb puts back to the default, both when it is told to leave signals alone and in
// every connect: Go must get them back, or a nil pointer in Go code ends the process instead of panicking.
var reset = [...]syscall.Signal{
	syscall.SIGABRT, syscall.SIGSEGV, syscall.SIGILL, syscall.SIGBUS,
	syscall.SIGSYS, syscall.SIGFPE, syscall.SIGTSTP, syscall.SIGTRAP,
	syscall.SIGPIPE, syscall.SIGURG,
}

// kernelAction has room for the kernel's struct sigaction (32 bytes on amd64 and arm64), which is only carried, never read.
type kernelAction [8]uint64

// keepSignals calls f and puts Go's signal handlers back as they were before it.
func keepSignals(f func()) {
	var saved [len(reset)]kernelAction
	for i, signal := range reset {
		action(signal, nil, &saved[i])
	}
	defer func() {
		for i, signal := range reset {
			action(signal, &saved[i], nil)
		}
	}()
	f()
}

// action is the system call itself, not libc's sigaction: libc would replace the restorer that Go's handlers return through.
//
// It cannot fail: the signals are valid and the memory is ours.
func action(signal syscall.Signal, set, old *kernelAction) {
	const maskBytes = 8
	_, _, _ = syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(signal), uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), maskBytes, 0, 0)
}
