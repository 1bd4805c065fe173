-- Stellar parameters by FERRE.

{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.{{ table }} (
    survey varchar(7) NOT NULL,
    program varchar(8) NOT NULL,
    success bigint NOT NULL,
    targetid bigint NOT NULL,
    target_ra double precision NOT NULL,
    target_dec double precision NOT NULL,
    ref_id bigint NOT NULL,
    ref_cat varchar(2) NOT NULL,
    srcfile text NOT NULL,
    bestgrid varchar(8) NOT NULL,
    teff double precision NOT NULL,
    logg double precision NOT NULL,
    feh double precision NOT NULL,
    alphafe double precision NOT NULL,
    log10micro double precision NOT NULL,
    param double precision[] NOT NULL,
    covar double precision[] NOT NULL,
    elem double precision[] NOT NULL,
    elem_err double precision[] NOT NULL,
    chisq_tot double precision NOT NULL,
    snr_med double precision NOT NULL,
    rv_adop double precision NOT NULL,
    rv_err double precision NOT NULL,
    healpix bigint NOT NULL
);
{% endblock %}

{% block keys %}
CREATE UNIQUE INDEX IF NOT EXISTS {{ table }}_pkey ON {{ schema }}.{{ table }} (targetid, survey, program);
ALTER TABLE {{ schema }}.{{ table }} ADD CONSTRAINT {{ table }}_pkey PRIMARY KEY USING INDEX {{ table }}_pkey;
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.{{ table }} IS 'Milky Way Survey: stellar parameters and abundances by FERRE';
COMMENT ON COLUMN {{ schema }}.{{ table }}.survey IS 'Survey of the spectrum, of HDU RVTAB (UCD meta.id;obs)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.program IS 'Program of the spectrum, of HDU RVTAB (UCD meta.id;obs)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.success IS 'Bit indicating whether the code has likely produced useful results';
COMMENT ON COLUMN {{ schema }}.{{ table }}.targetid IS 'Unique DESI target ID';
COMMENT ON COLUMN {{ schema }}.{{ table }}.target_ra IS 'Target right ascension [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.target_dec IS 'Target declination [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ref_id IS 'Tyc1*1,000,000+Tyc2*10+Tyc3 for Tycho-2; sourceid for Gaia DR2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ref_cat IS 'Reference catalog source for star: T2 for Tycho-2, G2 for Gaia DR2, L2 for the SGA, empty otherwise';
COMMENT ON COLUMN {{ schema }}.{{ table }}.srcfile IS 'DESI data file';
COMMENT ON COLUMN {{ schema }}.{{ table }}.bestgrid IS 'Model grid that produced the best fit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.teff IS 'Effective temperature [K]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.logg IS 'Surface gravity (g in cm/s**2) [dex]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.feh IS 'Metallicity [Fe/H] = log10(N(Fe)/N(H)) - log10(N(Fe)/N(H))sun [dex]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.alphafe IS 'Alpha-to-iron ratio [alpha/Fe] [dex]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.log10micro IS 'Log10 of Microturbulence [dex]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.param IS 'Array of atmospheric parameters ([Fe/H], [a/Fe], log10micro, Teff,logg)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.covar IS 'Covariance matrix for ([Fe/H], [a/Fe], log10micro, Teff,logg), 5 x 5 in rows';
COMMENT ON COLUMN {{ schema }}.{{ table }}.elem IS 'Elemental abundance ratios to hydrogen [elem/H] [dex]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.elem_err IS 'Uncertainties in the elemental abundance ratios [dex]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.chisq_tot IS 'Total chi**2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.snr_med IS 'Median signal-to-ratio';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rv_adop IS 'Adopted Radial Velocity [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rv_err IS 'Uncertainty in the adopted Radial Velocity [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.healpix IS 'HEALPixel containing this location at NSIDE=64 in the NESTED scheme';
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.{{ table }} TO {{ role }};
{% endfor %}
{% endblock %}
