package understudy

// Bin is a part of a histogram; To belongs to it in the last one only.
type Bin struct {
	From, To float64
	Count    int
}

// SimilarityBins is how many bins a histogram of similarities has.
const SimilarityBins = 20

// Histogram sorts the similarities of answers that are not identical into bins
// from 0 to 1. Errors count as 0; what was not scored yet does not count.
func Histogram(answers []EvalAnswer) []Bin {
	bins := make([]Bin, SimilarityBins)
	for i := range bins {
		bins[i].From, bins[i].To = float64(i)/SimilarityBins, float64(i+1)/SimilarityBins
	}
	for _, a := range answers {
		var x float64
		switch {
		case a.Error != "":
		case a.Exact != nil && *a.Exact, a.Similarity == nil:
			continue
		default:
			x = max(0, min(1, *a.Similarity))
		}
		bins[min(int(x*SimilarityBins), SimilarityBins-1)].Count++
	}
	return bins
}
