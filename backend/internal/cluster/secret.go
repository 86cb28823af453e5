package cluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const secretBytes = 24

// EnsureSecret makes a Secret of random entries, each behind its prefix, unless
// there is one; it says whether it did. A Secret that is there but lacks an
// entry is an error: whoever made it must complete it.
func EnsureSecret(ctx context.Context, client kubernetes.Interface, namespace, name string, prefixes map[string]string) (made bool, err error) {
	secrets := client.CoreV1().Secrets(namespace)
	there, err := secrets.Get(ctx, name, metav1.GetOptions{})
	if err == nil {
		for entry := range prefixes {
			if len(there.Data[entry]) == 0 {
				return false, fmt.Errorf("the Secret %s has no entry %s: add it, or delete the Secret to have it made anew", name, entry)
			}
		}
		return false, nil
	}
	if !apierrors.IsNotFound(err) {
		return false, fmt.Errorf("look at the Secret %s: %w", name, err)
	}
	s := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: map[string]string{"app.kubernetes.io/part-of": "understudy"}},
		StringData: map[string]string{},
	}
	for entry, prefix := range prefixes {
		raw := make([]byte, secretBytes)
		if _, err := rand.Read(raw); err != nil {
			return false, err
		}
		s.StringData[entry] = prefix + hex.EncodeToString(raw)
	}
	_, err = secrets.Create(ctx, s, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) { // another hook was quicker
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("make the Secret %s: %w", name, err)
	}
	return true, nil
}
