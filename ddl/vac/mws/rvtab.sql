-- Radial velocities and stellar parameters by RVSpecFit.

{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.{{ table }} (
    zpix_id numeric(39),
    vrad double precision NOT NULL,
    vrad_err double precision NOT NULL,
    vrad_skew double precision NOT NULL,
    vrad_kurt double precision NOT NULL,
    logg double precision NOT NULL,
    teff double precision NOT NULL,
    alphafe double precision NOT NULL,
    feh double precision NOT NULL,
    logg_err double precision NOT NULL,
    teff_err double precision NOT NULL,
    alphafe_err double precision NOT NULL,
    feh_err double precision NOT NULL,
    vsini double precision NOT NULL,
    chisq_tot double precision NOT NULL,
    chisq_c_tot double precision NOT NULL,
    chisq_b double precision NOT NULL,
    chisq_c_b double precision NOT NULL,
    chisq_r double precision NOT NULL,
    chisq_c_r double precision NOT NULL,
    chisq_z double precision NOT NULL,
    chisq_c_z double precision NOT NULL,
    rvs_warn bigint NOT NULL,
    ref_id bigint NOT NULL,
    ref_cat varchar(2) NOT NULL,
    target_ra double precision NOT NULL,
    target_dec double precision NOT NULL,
    targetid bigint NOT NULL,
    sn_b real NOT NULL,
    sn_r real NOT NULL,
    sn_z real NOT NULL,
    success boolean NOT NULL,
    healpix bigint NOT NULL,
    rr_z double precision NOT NULL,
    rr_spectype varchar(6) NOT NULL,
    survey varchar(7) NOT NULL,
    program varchar(8) NOT NULL,
    "primary" boolean NOT NULL
);
{% endblock %}

{% block keys %}
CREATE UNIQUE INDEX IF NOT EXISTS {{ table }}_pkey ON {{ schema }}.{{ table }} (targetid, survey, program);
ALTER TABLE {{ schema }}.{{ table }} ADD CONSTRAINT {{ table }}_pkey PRIMARY KEY USING INDEX {{ table }}_pkey;
{% endblock %}

{% block indexes %}
CREATE INDEX IF NOT EXISTS ix_{{ table }}_zpix_id ON {{ schema }}.{{ table }} (zpix_id);
{% endblock %}

{% block q3c %}
CREATE INDEX IF NOT EXISTS ix_{{ table }}_q3c ON {{ schema }}.{{ table }} ({{ q3c }}.q3c_ang2ipix(target_ra, target_dec));
{% endblock %}

{% block cluster %}
CLUSTER {{ schema }}.{{ table }} USING ix_{{ table }}_q3c;
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.{{ table }} IS 'Milky Way Survey: radial velocities and stellar parameters by RVSpecFit, one row per spectrum';
COMMENT ON COLUMN {{ schema }}.{{ table }}.zpix_id IS 'Key of the spectrum in zpix (UCD meta.record)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.vrad IS 'Radial velocity [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.vrad_err IS 'Radial velocity error [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.vrad_skew IS 'Radial velocity posterior skewness';
COMMENT ON COLUMN {{ schema }}.{{ table }}.vrad_kurt IS 'Radial velocity posterior kurtosis';
COMMENT ON COLUMN {{ schema }}.{{ table }}.logg IS 'Log of surface gravity [dex]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.teff IS 'Effective temperature [K]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.alphafe IS '[alpha/Fe] from template fitting [dex]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.feh IS '[Fe/H] from template fitting [dex]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.logg_err IS 'Log of surface gravity uncertainty [dex]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.teff_err IS 'Effective temperature uncertainty [K]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.alphafe_err IS '[alpha/Fe] uncertainty from template fitting [dex]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.feh_err IS '[Fe/H] uncertainty from template fitting [dex]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.vsini IS 'Stellar rotation velocity [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.chisq_tot IS 'Total chi-square for all arms';
COMMENT ON COLUMN {{ schema }}.{{ table }}.chisq_c_tot IS 'Total chi-square for all arms for polynomial only fit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.chisq_b IS 'Chi-square in the B arm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.chisq_c_b IS 'Chi-square in the B arm after fitting continuum only';
COMMENT ON COLUMN {{ schema }}.{{ table }}.chisq_r IS 'Chi-square in the R arm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.chisq_c_r IS 'Chi-square in the R arm after fitting continuum only';
COMMENT ON COLUMN {{ schema }}.{{ table }}.chisq_z IS 'Chi-square in the Z arm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.chisq_c_z IS 'Chi-square in the Z arm after fitting continuum only';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rvs_warn IS 'RVSpecFit warning flag';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ref_id IS 'Tyc1*1,000,000+Tyc2*10+Tyc3 for Tycho-2; sourceid for Gaia DR2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ref_cat IS 'Reference catalog source for star: T2 for Tycho-2, G2 for Gaia DR2, L2 for the SGA, empty otherwise';
COMMENT ON COLUMN {{ schema }}.{{ table }}.target_ra IS 'Target right ascension [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.target_dec IS 'Target declination [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.targetid IS 'Unique DESI target ID';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sn_b IS 'Median S/N in the B arm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sn_r IS 'Median S/N in the R arm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sn_z IS 'Median S/N in the Z arm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.success IS 'Did we succeed or fail';
COMMENT ON COLUMN {{ schema }}.{{ table }}.healpix IS 'HEALPixel containing this location at NSIDE=64 in the NESTED scheme';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rr_z IS 'Redrock redshift';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rr_spectype IS 'Redrock spectroscopic type';
COMMENT ON COLUMN {{ schema }}.{{ table }}.survey IS 'Survey name';
COMMENT ON COLUMN {{ schema }}.{{ table }}.program IS 'DESI program type - BRIGHT, DARK, BACKUP, OTHER';
COMMENT ON COLUMN {{ schema }}.{{ table }}."primary" IS 'If true this is the primary observation of the source';
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.{{ table }} TO {{ role }};
{% endfor %}
{% endblock %}
