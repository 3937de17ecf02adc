// Package tree holds the tests of the tree itself: the licences of what is
// linked, and the links between its pages.
package tree
