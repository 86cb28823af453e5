package gemm

import "golang.org/x/sys/cpu"

// Available tells whether this CPU has what Multiply needs: AVX2 and FMA.
func Available() bool { return cpu.X86.HasAVX2 && cpu.X86.HasFMA }

// kernel6x16 sets the 6 x 16 tile at c to the product of six rows of a, each
// rowA floats after the one before, and the packed strip b (k x 16). Rows of c
// lie rowC floats apart. k is at least 1.
//
//go:noescape
func kernel6x16(k int, a *float32, rowA int, b *float32, c *float32, rowC int)
