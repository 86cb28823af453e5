package main

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"
)

// policy is the content security policy of a page: everything comes from here,
// and of the scripts that stand in the page itself only those with these hashes run.
func policy(hashes []string) string {
	scripts := strings.Join(append([]string{"'self'"}, hashes...), " ")
	return "default-src 'none'; script-src " + scripts + "; style-src 'self'; font-src 'self'; img-src 'self' data:; " +
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

// docsPolicy is the same for the API's documentation, whose page carries styles in its elements.
func docsPolicy(hashes []string) string {
	return strings.Replace(policy(hashes), "style-src 'self'", "style-src 'self' 'unsafe-inline'", 1)
}

var inlineScript = regexp.MustCompile(`(?s)<script(?:\s[^>]*)?>(.*?)</script>`)

// inlineHashes returns the sources that allow the scripts standing in a page.
func inlineHashes(html []byte) []string {
	var out []string
	seen := map[string]bool{}
	for _, m := range inlineScript.FindAllSubmatch(html, -1) {
		if len(m[1]) == 0 {
			continue
		}
		sum := sha256.Sum256(m[1])
		source := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		if !seen[source] {
			seen[source] = true
			out = append(out, source)
		}
	}
	return out
}
