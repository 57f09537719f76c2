/* STAND-IN until branch linear is merged. */
#include "linear.h"
#include <math.h>
#include <stdlib.h>
struct ds_lu { ds_pattern p; int jc, c; int64_t n, pivot; double *a; int64_t *piv; };
ds_lu *ds_lu_new(const ds_pattern *p, int jc, int c, const ds_lu_plan *plan) { (void)plan;
  ds_lu *l = calloc(1, sizeof *l); l->p=*p; l->jc=jc; l->c=c; l->n=p->n; l->a=calloc(2*p->n*p->n+1,8); l->piv=calloc(p->n+1,8); return l; }
void ds_lu_free(ds_lu *l) { if(!l) return; free(l->a); free(l->piv); free(l); }
#include <complex.h>
int ds_lu_factor(ds_lu *l, double ar, double ai, double beta, const double *jac) {
  int64_t n=l->n; complex double *A=(complex double*)l->a; 
  for (int64_t i=0;i<n*n;++i) A[i]=0;
  for (int64_t j=0;j<n;++j) { int64_t s=l->p.start?l->p.start[j]:j*n, e=l->p.start?l->p.start[j+1]:(j+1)*n;
    for (int64_t k=s;k<e;++k) { int64_t r=l->p.start?l->p.rows[k]:k-s; A[j*n+r]=-beta*(l->jc?jac[2*k]+I*jac[2*k+1]:jac[k]); }
    A[j*n+j]+=l->c?ar+I*ai:ar; }
  for (int64_t i=0;i<n*n;++i) if(!isfinite(creal(A[i]))||!isfinite(cimag(A[i]))) return DS_LU_NOT_FINITE;
  for (int64_t k=0;k<n;++k){ int64_t b=k; for(int64_t i=k+1;i<n;++i) if (fabs(creal(A[k*n+i]))+fabs(cimag(A[k*n+i]))>fabs(creal(A[k*n+b]))+fabs(cimag(A[k*n+b]))) b=i;
    l->piv[k]=b; if(b!=k) for(int64_t j=0;j<n;++j){complex double x=A[j*n+k];A[j*n+k]=A[j*n+b];A[j*n+b]=x;}
    if (A[k*n+k]==0) {l->pivot=k+1; return DS_LU_SINGULAR;}
    for(int64_t i=k+1;i<n;++i){A[k*n+i]/=A[k*n+k]; } for(int64_t j=k+1;j<n;++j) for(int64_t i=k+1;i<n;++i) A[j*n+i]-=A[k*n+i]*A[j*n+k]; }
  return 0; }
void ds_lu_solve(ds_lu *l, double *b) { int64_t n=l->n; complex double *A=(complex double*)l->a; complex double x[512];
  for(int64_t i=0;i<n;++i) x[i]=l->c?b[2*i]+I*b[2*i+1]:b[i];
  for(int64_t k=0;k<n;++k){complex double y=x[k];x[k]=x[l->piv[k]];x[l->piv[k]]=y;} for(int64_t k=0;k<n;++k){ for(int64_t i=k+1;i<n;++i) x[i]-=A[k*n+i]*x[k];}
  for(int64_t k=n-1;k>=0;--k){x[k]/=A[k*n+k]; for(int64_t i=0;i<k;++i) x[i]-=A[k*n+i]*x[k];}
  for(int64_t i=0;i<n;++i) if(l->c){b[2*i]=creal(x[i]);b[2*i+1]=cimag(x[i]);} else b[i]=creal(x[i]); }
int64_t ds_lu_pivot(const ds_lu *l){return l->pivot;} int64_t ds_lu_size(const ds_lu *l){return l->n*l->n;}
