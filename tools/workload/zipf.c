// SPDX-License-Identifier: GPL-2.0
/*
 * zipf.c - drawing ranks that follow Zipf's law, in constant time
 *
 * Rejection-inversion after W. Hörmann and G. Derflinger, "Rejection-inversion
 * to generate variates from monotone discrete distributions", ACM TOMACS 6(3),
 * 1996. The weight of k = 1, 2, .. is h(k) = k^-skew. A point is drawn evenly
 * under the curve h between 1/2 and pages + 1/2, by inverting h's integral H,
 * and rounded to the nearest k. As h is convex, the area that rounds to k is a
 * little larger than h(k); the excess is rejected. So what comes is exact, and
 * it takes hardly more than one try, whatever the number of pages.
 */
#include <math.h>

#include "dist.h"

/* (e^x - 1) / x, and ln(1 + x) / x, also where x is next to 0. */
static double expm1_over(double x)
{
	return fabs(x) > 1e-8 ? expm1(x) / x : 1 + x / 2;
}

static double log1p_over(double x)
{
	return fabs(x) > 1e-8 ? log1p(x) / x : 1 - x / 2;
}

static double weight(double skew, double x)
{
	return exp(-skew * log(x));
}

/* H(x): of the weight, from 1 to @x. */
static double integral(double skew, double x)
{
	double l = log(x);

	return l * expm1_over((1 - skew) * l);
}

static double integral_inverse(double skew, double y)
{
	double t = y * (1 - skew);

	/* Rounding must not lead out of the logarithm's range. */
	if (t < -1)
		t = -1;
	return exp(y * log1p_over(t));
}

void dist_zipf_init(struct dist_zipf *z, uint64_t pages, double skew)
{
	z->pages = pages;
	z->skew = skew;
	/*
	 * The first page's area is cut to just what it needs, 1; it is the
	 * page that would be rejected most.
	 */
	z->first = integral(skew, 1.5) - 1;
	z->last = integral(skew, pages + 0.5);
	/* So close above its page a point never has to be rejected. */
	z->squeeze = 2 - integral_inverse(skew, integral(skew, 2.5) -
						weight(skew, 2));
}

uint64_t dist_zipf_draw(const struct dist_zipf *z, struct rng *rng)
{
	double u, x, k;

	for (;;) {
		/* From the end on, so that 0 of the generator is no trouble. */
		u = z->last + rng_unit(rng) * (z->first - z->last);
		x = integral_inverse(z->skew, u);
		k = floor(x + 0.5);
		if (k < 1)
			k = 1;
		else if (k > z->pages)
			k = z->pages;
		if (k - x <= z->squeeze ||
		    u >= integral(z->skew, k + 0.5) - weight(z->skew, k))
			return k - 1;
	}
}
