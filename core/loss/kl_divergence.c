/* kl_divergence: per pixel, between the two-class distributions of student and
 * teacher at temperature tau; mean over pixels.
 *   a = sigmoid(u_S / tau), b = sigmoid(u_T / tau), u the logits
 *   teacher_student  b log(b/a) + (1-b) log((1-b)/(1-a))      (Hinton, Vinyals, Dean 2015)
 *   student_teacher  a log(a/b) + (1-a) log((1-a)/(1-b))
 *   js               half of each against the mean (a+b)/2
 *   prediction, mask, teacher of any one shape -> rank 0
 * K exclusive classes (classes.h): the same between two distributions over K classes, softmax(u / tau).
 * Without a teacher b is the mask, at no temperature; student_teacher would be
 * infinite then and is refused. */
#include <math.h>

#include "classes.h"

enum { TAU = 1, DIRECTION, TAU_SQUARED }; /* slots */
enum { TEACHER_STUDENT, STUDENT_TEACHER, JS };

static const ra_param params[] = {
  RA_PARAM_INPUT,
  {.name = "tau", .kind = RA_PARAM_NUMBER, .default_value = 1, .low = 1e-3, .high = 1e6, .live = true,
   .help = "temperature: logits are divided by it"},
  {.name = "direction", .kind = RA_PARAM_CHOICE, .default_value = TEACHER_STUDENT,
   .choices = "teacher_student|student_teacher|js", .help = "KL(teacher || student), the reverse, or Jensen-Shannon"},
  {.name = "tau_squared", .kind = RA_PARAM_BOOL, .default_value = 0, .low = 0, .high = 1,
   .help = "multiply by tau^2, so that the gradient keeps its size (Hinton et al. 2015)"},
  {0}};

static int32_t infer(ra_call *c) {
  if (!ra_has(c, RA_TEACHER) && c->param[DIRECTION] == STUDENT_TEACHER)
    return ra_fail(RA_ERR_ARG, "kl_divergence: direction = \"student_teacher\" is infinite against a mask; give a "
                   "teacher, or use \"teacher_student\" or \"js\"");
  return ra_loss_classes(c) ? ra_class_pixel_infer(c) : ra_pixel_infer(c, ra_loss_target(c));
}

/* The distribution at temperature tau, with logarithms. */
static void soften(const ra_call *c, int32_t n, const ra_real *x, ra_bernoulli *b) {
  ra_real u[RA_TILE], scale = (ra_real)(1 / c->param[TAU]);
  if (c->param[RA_LOSS_INPUT] == RA_INPUT_PROB) {
    ra_bernoulli_prob(n, x, true, b);
    RA_SIMD
    for (int32_t i = 0; i < n; i++) u[i] = b->lp[i] - b->lq[i];
    x = u;
  }
  ra_bernoulli_logit(n, x, scale, true, b);
}

static void js(int32_t n, const ra_bernoulli *s, const ra_bernoulli *t, ra_real *value, ra_real *grad) {
  ra_bernoulli m; /* the mean of both; logarithms of what underflows are never multiplied by more than 0 */
  const ra_real tiny = (ra_real)1e-37;
  RA_SIMD
  for (int32_t i = 0; i < n; i++) {
    m.p[i] = (s->p[i] + t->p[i]) / 2;
    m.q[i] = (s->q[i] + t->q[i]) / 2;
    m.lp[i] = m.p[i] > tiny ? m.p[i] : tiny;
    m.lq[i] = m.q[i] > tiny ? m.q[i] : tiny;
  }
  ra_tile_log(n, m.lp);
  ra_tile_log(n, m.lq);
  if (grad) {
    RA_SIMD
    for (int32_t i = 0; i < n; i++) grad[i] = s->p[i] * s->q[i] * (s->lp[i] - s->lq[i] - m.lp[i] + m.lq[i]) / 2;
    return;
  }
  RA_SIMD
  for (int32_t i = 0; i < n; i++)
    value[i] = (s->p[i] * (s->lp[i] - m.lp[i]) + s->q[i] * (s->lq[i] - m.lq[i]) + t->p[i] * (t->lp[i] - m.lp[i]) +
                t->q[i] * (t->lq[i] - m.lq[i])) / 2;
}

static void kl(int32_t n, const ra_bernoulli *from, const ra_bernoulli *to, ra_real *value) {
  RA_SIMD
  for (int32_t i = 0; i < n; i++)
    value[i] = from->p[i] * (from->lp[i] - to->lp[i]) + from->q[i] * (from->lq[i] - to->lq[i]);
}

static void pixels(const ra_call *c, int32_t n, const ra_real *x, const ra_real *y, const ra_real *t, ra_real *value,
                   ra_real *grad) {
  ra_bernoulli s, b, plain;
  int direction = (int)c->param[DIRECTION];
  double tau = c->param[TAU], factor = c->param[TAU_SQUARED] != 0 ? tau * tau : 1;
  if (t) soften(c, n, t, &b);
  else ra_bernoulli_prob(n, y, true, &b);
  soften(c, n, x, &s);
  if (direction == JS) js(n, &s, &b, value, grad);
  else if (value && direction == TEACHER_STUDENT) kl(n, &b, &s, value);
  else if (value) kl(n, &s, &b, value);
  else if (direction == TEACHER_STUDENT) {
    RA_SIMD
    for (int32_t i = 0; i < n; i++) grad[i] = s.p[i] * b.q[i] - s.q[i] * b.p[i];
  } else {
    RA_SIMD
    for (int32_t i = 0; i < n; i++) grad[i] = s.p[i] * s.q[i] * (s.lp[i] - s.lq[i] - b.lp[i] + b.lq[i]);
  }
  ra_real *v = value ? value : grad, by = (ra_real)(value ? factor : factor / tau);
  RA_SIMD
  for (int32_t i = 0; i < n; i++) v[i] *= by;
  if (!grad) return;
  ra_bernoulli_input(c, n, x, false, &plain);
  ra_from_logit(c, n, &plain, grad);
}

/* ---- K exclusive classes ---- */

enum { TILE = RA_CLASSES_TILE };

/* The label as a distribution. */
static void certain(const ra_class_tile *t, ra_real *p, ra_real *lp) {
  for (int32_t i = 0; i < t->classes * TILE; i++) {
    p[i] = 0;
    lp[i] = -100;
  }
  for (int32_t i = 0; i < t->n; i++) {
    p[t->label[i] * TILE + i] = 1;
    lp[t->label[i] * TILE + i] = 0;
  }
}

static ra_real log_of(ra_real x) { return (ra_real)log((double)x); }

/* a log(a/b), and what belongs to log a in its derivative with respect to the student's probabilities */
static ra_real class_term(int direction, ra_real s, ra_real ls, ra_real t, ra_real lt) {
  if (direction == TEACHER_STUDENT) return t * (lt - ls);
  if (direction == STUDENT_TEACHER) return s * (ls - lt);
  ra_real m = (s + t) / 2, lm = m > (ra_real)1e-37 ? log_of(m) : 0;
  return ((s > 0 ? s * (ls - lm) : 0) + (t > 0 ? t * (lt - lm) : 0)) / 2;
}

/* The derivative with respect to log s: s times that with respect to s, up to a constant times s, which the softmax takes away. */
static ra_real class_slope(int direction, ra_real s, ra_real ls, ra_real t, ra_real lt) {
  if (direction == TEACHER_STUDENT) return -t;
  if (direction == STUDENT_TEACHER) return s * (ls - lt);
  ra_real m = (s + t) / 2;
  return m > (ra_real)1e-37 ? s * (ls - log_of(m)) / 2 : 0;
}

static void classes(const ra_call *c, const ra_class_tile *t, ra_real *value, ra_real *g, ra_real *share) {
  ra_class_values s, ls, b, lb;
  int direction = (int)c->param[DIRECTION];
  double tau = c->param[TAU], factor = c->param[TAU_SQUARED] != 0 ? tau * tau : 1;
  ra_real scale = (ra_real)(1 / tau);
  (void)share;
  if (ra_has(c, RA_TEACHER)) ra_class_soften(c, t, RA_TEACHER, scale, b, lb);
  else certain(t, b, lb);
  ra_class_soften(c, t, RA_PREDICTION, scale, s, ls);
  for (int32_t i = 0; value && i < t->n; i++) value[i] = 0;
  for (int32_t k = 0; k < t->classes; k++)
    for (int32_t i = 0, at = k * TILE; i < t->n; i++, at++) {
      if (value) value[i] += (ra_real)factor * class_term(direction, s[at], ls[at], b[at], lb[at]);
      else g[at] = (ra_real)(factor / tau) * class_slope(direction, s[at], ls[at], b[at], lb[at]);
    }
  if (!g) return;
  for (int32_t k = 0; k < t->classes; k++)
    for (int32_t i = t->n; i < TILE; i++) g[k * TILE + i] = 0;
  ra_class_from_log(t, s, g);
  if (c->param[RA_LOSS_INPUT] == RA_INPUT_PROB) ra_class_per_probability(c, t, g);
}

RA_PIXEL_AND_CLASS_LOSS(pixels, classes)

const ra_op ra_op_kl_divergence = {
  .name = "kl_divergence",
  .help = "per-pixel Kullback-Leibler divergence of teacher and student at temperature tau, mean over pixels\n"
          "prediction, mask, teacher of any one shape; without a teacher the mask takes its place\n"
          "K logits [B,K,H,W] with a label map [B,1,H,W]: of distributions over K exclusive classes, softmax(logits / tau)\n"
          "Hinton, Vinyals, Dean 2015",
  RA_LOSS_TABLE,
  .params = params,
  .reads = RA_READS_IN0 | RA_READS_IN1 | RA_READS_IN2 | RA_READS_WEIGHTS,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,1,5,4 2,1,5,4:mask 2,1,5,4\n2,1,3,4 - 2,1,3,4 | tau=2 tau_squared=true direction=\"student_teacher\"\n"
             "9 - 9 | tau=0.7 direction=\"js\"\n2,1,3,4 2,1,3,4:mask | direction=\"js\"\n2,1,3,4 2,1,3,4:mask | tau=3\n"
             "1,1,3,5:prob - 1,1,3,5:prob | input=\"prob\" tau=2\n"
             "7:prob - 7:prob | input=\"prob\" direction=\"student_teacher\"\n"
             "2,1,5,4 - 2,1,5,4 2,1,5,4:mask | tau=2\n"
             "9 - 9 - 9:var | direction=\"js\"\n"
             "2,1,3,5 2,1,3,5:mask - 2,1,3,5:mask 2,1,3,5:var\n"
             "2,3,5,4 2,1,5,4:label 2,3,5,4 | tau=2 tau_squared=true\n"
             "2,3,3,4 2,1,3,4:label 2,3,3,4 2,1,3,4:mask | direction=\"student_teacher\"\n"
             "1,3,3,4 1,1,3,4:label 1,3,3,4 - 1,1,3,4:var | direction=\"js\" tau=0.7\n"
             "1,3,3,4 1,1,3,4:label | tau=3\n1,3,3,4 1,1,3,4:label | direction=\"js\"\n"
             "1,3,3,5:prob 1,1,3,5:label 1,3,3,5:prob | input=\"prob\" tau=2\n"
             "1,3,3,5:prob 1,1,3,5:label 1,3,3,5:prob | input=\"prob\" direction=\"student_teacher\"",
};
