// Package gemm multiplies float32 matrices with the vector instructions of the
// CPU, without cgo: the plain loops of the pure Go inference backend reach a few
// per cent of what an x86 core can do, and nearly all of a sentence model's time
// is spent in them.
//
// The scheme is the usual one: sixteen columns of the right matrix are packed
// into a strip that stays in the cache, and a kernel in assembly forms tiles of
// 6 x 16 sums in registers while it runs down the strip once.
package gemm

import "sync"

const (
	tileRows = 6
	tileCols = 16
)

// workspace is what one Multiply needs beside its operands.
type workspace struct {
	strip []float32                    // k x 16, packed columns of b
	rows  []float32                    // 6 x k, the last rows of a where there are fewer than 6
	tile  [tileRows * tileCols]float32 // a tile at the edge of c
}

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

// Multiply sets c = a x b for each of batch products, all row-major and packed
// one after another: a is m x k, b is k x n, c is m x n. It runs on the calling
// goroutine; several may run at once. Available must be true.
func Multiply(c, a, b []float32, batch, m, n, k int) {
	w := workspaces.Get().(*workspace)
	defer workspaces.Put(w)
	w.strip, w.rows = sized(w.strip, k*tileCols), sized(w.rows, tileRows*k)
	for i := range batch {
		w.multiply(c[i*m*n:][:m*n], a[i*m*k:][:m*k], b[i*k*n:][:k*n], m, n, k)
	}
}

func (w *workspace) multiply(c, a, b []float32, m, n, k int) {
	whole := m - m%tileRows
	clear(w.rows)
	copy(w.rows, a[whole*k:])
	for col := 0; col < n; col += tileCols {
		width := min(tileCols, n-col)
		pack(w.strip, b, col, width, n, k)
		for row := 0; row < m; row += tileRows {
			from := a[row*k:]
			if row == whole {
				from = w.rows
			}
			if row < whole && width == tileCols {
				kernel6x16(k, &from[0], k, &w.strip[0], &c[row*n+col], n)
				continue
			}
			kernel6x16(k, &from[0], k, &w.strip[0], &w.tile[0], tileCols)
			for r := range min(tileRows, m-row) {
				copy(c[(row+r)*n+col:][:width], w.tile[r*tileCols:])
			}
		}
	}
}

// pack copies columns [col, col+width) of b (k x n) to strip, zeros beyond width.
func pack(strip, b []float32, col, width, n, k int) {
	if width == tileCols {
		for row := range k {
			*(*[tileCols]float32)(strip[row*tileCols:]) = [tileCols]float32(b[row*n+col:])
		}
		return
	}
	for row := range k {
		line := strip[row*tileCols:][:tileCols]
		clear(line[copy(line, b[row*n+col:][:width]):])
	}
}

func sized(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}
