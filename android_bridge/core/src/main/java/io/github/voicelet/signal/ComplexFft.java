package io.github.voicelet.signal;

/**
 * The discrete Fourier transform of complex numbers, of any length; fast where its prime factors are small.
 *
 * <p>Stockham's self-sorting form of Cooley and Tukey's algorithm with mixed radices (2, 3, 4 and 5 unrolled); twiddle
 * factors are computed once, in double precision.  An instance holds working memory: one thread at a time.
 */
final class ComplexFft {
  private static final float SIN_60 = (float) Math.sin(Math.PI / 3);
  private static final float COS_72 = (float) Math.cos(2 * Math.PI / 5);
  private static final float COS_144 = (float) Math.cos(4 * Math.PI / 5);
  private static final float SIN_72 = (float) Math.sin(2 * Math.PI / 5);
  private static final float SIN_144 = (float) Math.sin(4 * Math.PI / 5);

  private final int size;
  private final int[] radices;
  private final float[][] cosines; // [pass][p · (radix - 1) + j - 1], of e^(-2πi · p · j / (radix · m))
  private final float[][] sines;
  private float[] re;
  private float[] im;
  private float[] otherRe;
  private float[] otherIm;

  ComplexFft(int size) {
    this.size = size;
    radices = factors(size);
    cosines = new float[radices.length][];
    sines = new float[radices.length][];
    int length = size;
    for (int pass = 0; pass < radices.length; pass++) {
      int radix = radices[pass];
      int m = length / radix;
      cosines[pass] = new float[m * (radix - 1)];
      sines[pass] = new float[m * (radix - 1)];
      for (int p = 0; p < m; p++) {
        for (int j = 1; j < radix; j++) {
          double angle = -2 * Math.PI * ((long) p * j % length) / length;
          cosines[pass][p * (radix - 1) + j - 1] = (float) Math.cos(angle);
          sines[pass][p * (radix - 1) + j - 1] = (float) Math.sin(angle);
        }
      }
      length = m;
    }
    re = new float[size];
    im = new float[size];
    otherRe = new float[size];
    otherIm = new float[size];
  }

  /** Where the input's real parts are put before {@link #transform}, and the output's are found after it. */
  float[] re() {
    return re;
  }

  /** As {@link #re}, of the imaginary parts. */
  float[] im() {
    return im;
  }

  /** Transform in place (with another pair of arrays behind {@link #re} and {@link #im}), exponents negative. */
  void transform() {
    int length = size;
    int stride = 1;
    for (int pass = 0; pass < radices.length; pass++) {
      int radix = radices[pass];
      int m = length / radix;
      switch (radix) {
        case 2:
          pass2(m, stride, cosines[pass], sines[pass]);
          break;
        case 3:
          pass3(m, stride, cosines[pass], sines[pass]);
          break;
        case 4:
          pass4(m, stride, cosines[pass], sines[pass]);
          break;
        case 5:
          pass5(m, stride, cosines[pass], sines[pass]);
          break;
        default:
          passAny(radix, m, stride, cosines[pass], sines[pass]);
      }
      float[] swapped = re;
      re = otherRe;
      otherRe = swapped;
      swapped = im;
      im = otherIm;
      otherIm = swapped;
      length = m;
      stride *= radix;
    }
  }

  private void pass2(int m, int s, float[] cos, float[] sin) {
    float[] xr = re;
    float[] xi = im;
    float[] yr = otherRe;
    float[] yi = otherIm;
    int step = s * m;
    for (int p = 0; p < m; p++) {
      float c = cos[p];
      float d = sin[p];
      int from = s * p;
      int to = 2 * s * p;
      for (int q = 0; q < s; q++) {
        float ar = xr[from + q];
        float ai = xi[from + q];
        float br = xr[from + step + q];
        float bi = xi[from + step + q];
        float er = ar - br;
        float ei = ai - bi;
        yr[to + q] = ar + br;
        yi[to + q] = ai + bi;
        yr[to + s + q] = er * c - ei * d;
        yi[to + s + q] = er * d + ei * c;
      }
    }
  }

  private void pass3(int m, int s, float[] cos, float[] sin) {
    float[] xr = re;
    float[] xi = im;
    float[] yr = otherRe;
    float[] yi = otherIm;
    int step = s * m;
    for (int p = 0; p < m; p++) {
      float c1 = cos[2 * p];
      float d1 = sin[2 * p];
      float c2 = cos[2 * p + 1];
      float d2 = sin[2 * p + 1];
      int from = s * p;
      int to = 3 * s * p;
      for (int q = 0; q < s; q++) {
        float ar = xr[from + q];
        float ai = xi[from + q];
        float sr = xr[from + step + q] + xr[from + 2 * step + q];
        float si = xi[from + step + q] + xi[from + 2 * step + q];
        float dr = (xr[from + step + q] - xr[from + 2 * step + q]) * SIN_60;
        float di = (xi[from + step + q] - xi[from + 2 * step + q]) * SIN_60;
        float hr = ar - 0.5f * sr;
        float hi = ai - 0.5f * si;
        float br = hr + di;
        float bi = hi - dr;
        float er = hr - di;
        float ei = hi + dr;
        yr[to + q] = ar + sr;
        yi[to + q] = ai + si;
        yr[to + s + q] = br * c1 - bi * d1;
        yi[to + s + q] = br * d1 + bi * c1;
        yr[to + 2 * s + q] = er * c2 - ei * d2;
        yi[to + 2 * s + q] = er * d2 + ei * c2;
      }
    }
  }

  private void pass4(int m, int s, float[] cos, float[] sin) {
    float[] xr = re;
    float[] xi = im;
    float[] yr = otherRe;
    float[] yi = otherIm;
    int step = s * m;
    for (int p = 0; p < m; p++) {
      float c1 = cos[3 * p];
      float d1 = sin[3 * p];
      float c2 = cos[3 * p + 1];
      float d2 = sin[3 * p + 1];
      float c3 = cos[3 * p + 2];
      float d3 = sin[3 * p + 2];
      int from = s * p;
      int to = 4 * s * p;
      for (int q = 0; q < s; q++) {
        float ar = xr[from + q] + xr[from + 2 * step + q];
        float ai = xi[from + q] + xi[from + 2 * step + q];
        float br = xr[from + q] - xr[from + 2 * step + q];
        float bi = xi[from + q] - xi[from + 2 * step + q];
        float er = xr[from + step + q] + xr[from + 3 * step + q];
        float ei = xi[from + step + q] + xi[from + 3 * step + q];
        float fr = xr[from + step + q] - xr[from + 3 * step + q];
        float fi = xi[from + step + q] - xi[from + 3 * step + q];
        float ur = br + fi;
        float ui = bi - fr;
        float vr = ar - er;
        float vi = ai - ei;
        float wr = br - fi;
        float wi = bi + fr;
        yr[to + q] = ar + er;
        yi[to + q] = ai + ei;
        yr[to + s + q] = ur * c1 - ui * d1;
        yi[to + s + q] = ur * d1 + ui * c1;
        yr[to + 2 * s + q] = vr * c2 - vi * d2;
        yi[to + 2 * s + q] = vr * d2 + vi * c2;
        yr[to + 3 * s + q] = wr * c3 - wi * d3;
        yi[to + 3 * s + q] = wr * d3 + wi * c3;
      }
    }
  }

  private void pass5(int m, int s, float[] cos, float[] sin) {
    float[] xr = re;
    float[] xi = im;
    float[] yr = otherRe;
    float[] yi = otherIm;
    int step = s * m;
    for (int p = 0; p < m; p++) {
      int t = 4 * p;
      float c1 = cos[t];
      float c2 = cos[t + 1];
      float c3 = cos[t + 2];
      float c4 = cos[t + 3];
      float d1 = sin[t];
      float d2 = sin[t + 1];
      float d3 = sin[t + 2];
      float d4 = sin[t + 3];
      int from = s * p;
      int to = 5 * s * p;
      for (int q = 0; q < s; q++) {
        int x1 = from + step + q;
        int x2 = x1 + step;
        int x3 = x2 + step;
        int x4 = x3 + step;
        float ar = xr[from + q];
        float ai = xi[from + q];
        float s14r = xr[x1] + xr[x4];
        float s14i = xi[x1] + xi[x4];
        float d14r = xr[x1] - xr[x4];
        float d14i = xi[x1] - xi[x4];
        float s23r = xr[x2] + xr[x3];
        float s23i = xi[x2] + xi[x3];
        float d23r = xr[x2] - xr[x3];
        float d23i = xi[x2] - xi[x3];
        float mr = ar + COS_72 * s14r + COS_144 * s23r;
        float mi = ai + COS_72 * s14i + COS_144 * s23i;
        float nr = ar + COS_144 * s14r + COS_72 * s23r;
        float ni = ai + COS_144 * s14i + COS_72 * s23i;
        float ur = SIN_72 * d14r + SIN_144 * d23r;
        float ui = SIN_72 * d14i + SIN_144 * d23i;
        float vr = SIN_144 * d14r - SIN_72 * d23r;
        float vi = SIN_144 * d14i - SIN_72 * d23i;
        yr[to + q] = ar + s14r + s23r;
        yi[to + q] = ai + s14i + s23i;
        yr[to + s + q] = (mr + ui) * c1 - (mi - ur) * d1;
        yi[to + s + q] = (mr + ui) * d1 + (mi - ur) * c1;
        yr[to + 2 * s + q] = (nr + vi) * c2 - (ni - vr) * d2;
        yi[to + 2 * s + q] = (nr + vi) * d2 + (ni - vr) * c2;
        yr[to + 3 * s + q] = (nr - vi) * c3 - (ni + vr) * d3;
        yi[to + 3 * s + q] = (nr - vi) * d3 + (ni + vr) * c3;
        yr[to + 4 * s + q] = (mr - ui) * c4 - (mi + ur) * d4;
        yi[to + 4 * s + q] = (mr - ui) * d4 + (mi + ur) * c4;
      }
    }
  }

  private void passAny(int radix, int m, int s, float[] cos, float[] sin) {
    int step = s * m;
    for (int p = 0; p < m; p++) {
      for (int q = 0; q < s; q++) {
        for (int j = 0; j < radix; j++) {
          double sumRe = 0;
          double sumIm = 0;
          for (int k = 0; k < radix; k++) {
            double angle = -2 * Math.PI * ((long) k * j % radix) / radix;
            double c = Math.cos(angle);
            double d = Math.sin(angle);
            float xr = re[s * p + k * step + q];
            float xi = im[s * p + k * step + q];
            sumRe += xr * c - xi * d;
            sumIm += xr * d + xi * c;
          }
          double c = j == 0 ? 1 : cos[p * (radix - 1) + j - 1];
          double d = j == 0 ? 0 : sin[p * (radix - 1) + j - 1];
          otherRe[s * (radix * p + j) + q] = (float) (sumRe * c - sumIm * d);
          otherIm[s * (radix * p + j) + q] = (float) (sumRe * d + sumIm * c);
        }
      }
    }
  }

  /** Large ones first, so that inner loops soon run over many neighbours. */
  private static int[] factors(int size) {
    int[] found = new int[32];
    int count = 0;
    int rest = size;
    for (int radix : new int[] {5, 4, 3, 2}) {
      while (rest % radix == 0) {
        found[count++] = radix;
        rest /= radix;
      }
    }
    for (int radix = 7; rest > 1; radix += 2) {
      while (rest % radix == 0) {
        found[count++] = radix;
        rest /= radix;
      }
    }
    return java.util.Arrays.copyOf(found, count);
  }
}
