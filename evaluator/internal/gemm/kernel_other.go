//go:build !amd64

package gemm

// Available tells whether this CPU has what Multiply needs; so far only x86 has a kernel.
func Available() bool { return false }

func kernel6x16(int, *float32, int, *float32, *float32, int) { panic("gemm: no kernel for this CPU") }
